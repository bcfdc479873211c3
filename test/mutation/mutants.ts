import { transformSync } from 'esbuild';

/** One change to a source text, of the kind that a tired author makes. */
export interface Mutant {
  readonly file: string;
  readonly line: number;
  /** `"<" becomes "<="`. */
  readonly what: string;
  readonly text: string;
}

/** Words and signs, and everything that is not code as one token. */
const Token =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|0x[0-9a-fA-F_]+n?|\d[\d_]*(?:\.\d+)?n?|[A-Za-z_$@][\w$]*|>>>=|>>>|<<=|>>=|===|!==|=>|[<>]=|<<|>>|&&|\|\||\?\?|[&|^+\-*%]=|\+\+|--|[^\s]/g;

const Exchanges: Readonly<Record<string, readonly string[]>> = {
  '===': ['!=='],
  '!==': ['==='],
  '<': ['<='],
  '<=': ['<'],
  '>': ['>='],
  '>=': ['>'],
  '&&': ['||'],
  '||': ['&&'],
  '&': ['|'],
  '|': ['&'],
  '^': ['&'],
  '<<': ['>>'],
  '>>': ['<<'],
  '>>>': ['<<'],
  '&=': ['|='],
  '|=': ['&='],
  '+': ['-'],
  '-': ['+'],
  '+=': ['-='],
  '-=': ['+='],
  '*': ['+'],
  '%': ['+'],
  true: ['false'],
  false: ['true'],
  // Dropped:
  '~': [''],
  '!': [''],
};

/** A statement on a line of its own, or a decorator, that somebody forgot. Class and parameters keep theirs. */
const Statement = /^\s+(?:(?:this|super|Object|else)\b[^{}]*|[a-z]\w*(?:\.\w+)*\([^{}]*|if \([^{}]*\) [^{}]*|return);$/;
const Decorator = /^\s*(@(?!device\b|options\b|inject\b)[\w.]+(?:\((?:[^()]|\([^()]*\))*\))?)/;

/** Every mutant of a text that changes the program: what only changes types or cannot be parsed is left out. */
export function mutantsOf(file: string, text: string): Mutant[] {
  const original = compiled(text);
  const candidates = [...tokenMutants(file, text), ...droppedLines(file, text)];
  const seen = new Set([original]);
  return candidates.filter((mutant) => {
    const result = compiled(mutant.text);
    if (result === undefined || seen.has(result)) return false;
    seen.add(result);
    return true;
  });
}

function compiled(text: string): string | undefined {
  try {
    return transformSync(text, {
      loader: 'ts',
      minifyWhitespace: true,
      tsconfigRaw: { compilerOptions: { experimentalDecorators: true } },
      logLevel: 'silent',
    }).code;
  } catch {
    return undefined;
  }
}

function* tokenMutants(file: string, text: string): Generator<Mutant> {
  let inImport = false;
  for (const { 0: token, index } of text.matchAll(Token)) {
    if (token === 'import') inImport = true;
    else if (inImport && token === ';') inImport = false;
    if (inImport) continue;
    for (const instead of insteadOf(token)) {
      yield {
        file,
        line: lineAt(text, index),
        what: instead === '' ? `"${token}" is dropped` : `"${token}" becomes "${instead}"`,
        text: text.slice(0, index) + instead + text.slice(index + token.length),
      };
    }
  }
}

function insteadOf(token: string): readonly string[] {
  if (/^\d/.test(token)) return otherNumbers(token);
  return Object.hasOwn(Exchanges, token) ? (Exchanges[token] as readonly string[]) : [];
}

/** One more, and half of it: masks lose a bit, ranges an end. */
function otherNumbers(token: string): string[] {
  const big = token.endsWith('n') ? 'n' : '';
  const plain = token.replaceAll('_', '').replace(/n$/, '');
  if (plain.includes('.')) return [];
  const value = BigInt(plain);
  const write = (number: bigint) => `${token.startsWith('0x') ? `0x${number.toString(16)}` : number}${big}`;
  return value < 2n ? [write(value + 1n)] : [write(value + 1n), write(value >> 1n)];
}

function* droppedLines(file: string, text: string): Generator<Mutant> {
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    const decorator = Decorator.exec(line);
    const what = decorator ? decorator[1] : Statement.test(line) ? line.trim() : undefined;
    if (what === undefined) continue;
    const rest = decorator ? line.replace(what, '') : '';
    const without = [...lines.slice(0, index), rest, ...lines.slice(index + 1)].join('\n');
    yield { file, line: index + 1, what: `${what} is dropped`, text: without };
  }
}

const lineAt = (text: string, index: number): number => text.slice(0, index).split('\n').length;
