/** Optional, so the caller loads it and hands it in. */
export type PlotLibrary = typeof import('@observablehq/plot');
export type PlotOptions = NonNullable<Parameters<PlotLibrary['plot']>[0]>;

/** A chart as SVG text, with a title and a description for screen readers. */
export function drawSvg(plot: PlotLibrary, title: string, description: string, options: PlotOptions): string {
  const document = new SvgDocument();
  const drawn = plot.plot({
    ...options,
    ariaLabel: title,
    ariaDescription: description,
    // Plot draws with the few methods of a document that ours has.
    document: document as never,
    style: { background: 'none', fontFamily: 'inherit', fontSize: '12px', overflow: 'visible' },
  }) as unknown as SvgElement;
  drawn.setAttribute('role', 'img');
  return drawn.toString();
}

const SvgNamespace = 'http://www.w3.org/2000/svg';
const escaped: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text as it stands in HTML, in an attribute too. */
export const escapeHtml = (text: string): string => text.replaceAll(/[&<>"]/g, (sign) => escaped[sign]!);

/** Anything in the tree: an element, or text between two. */
abstract class SvgNode {
  parentNode: SvgElement | null = null;
  abstract toString(): string;

  remove(): void {
    const siblings = this.parentNode?.childNodes;
    siblings?.splice(siblings.indexOf(this), 1);
    this.parentNode = null;
  }

  get nextSibling(): SvgNode | null {
    const siblings = this.parentNode?.childNodes ?? [];
    return siblings[siblings.indexOf(this) + 1] ?? null;
  }
}

class SvgText extends SvgNode {
  constructor(readonly data: string) {
    super();
  }

  override toString(): string {
    return escapeHtml(this.data);
  }
}

/** As much of an element as drawing a chart takes: attributes, children, text. There are no events and no layout. */
export class SvgElement extends SvgNode {
  readonly childNodes: SvgNode[] = [];
  readonly attributes = new Map<string, string>();
  readonly style = {
    setProperty: (name: string, value: string) => {
      const before = this.getAttribute('style');
      this.setAttribute('style', `${before === null ? '' : `${before};`}${name}:${value}`);
    },
  };

  constructor(
    readonly ownerDocument: SvgDocument,
    readonly namespaceURI: string,
    readonly tagName: string,
  ) {
    super();
  }

  get firstChild(): SvgNode | null {
    return this.childNodes[0] ?? null;
  }

  get children(): SvgElement[] {
    return this.childNodes.filter((child) => child instanceof SvgElement);
  }

  get ownerSVGElement(): SvgElement | null {
    for (let up = this.parentNode; up !== null; up = up.parentNode) if (up.tagName === 'svg') return up;
    return null;
  }

  get textContent(): string {
    return this.childNodes.map((child) => (child instanceof SvgElement ? child.textContent : `${child}`)).join('');
  }

  set textContent(text: string) {
    for (const child of [...this.childNodes]) child.remove();
    this.appendChild(new SvgText(`${text}`));
  }

  getAttribute(name: string): string | null {
    return this.attributes.get(name) ?? null;
  }

  hasAttribute(name: string): boolean {
    return this.attributes.has(name);
  }

  setAttribute(name: string, value: unknown): void {
    this.attributes.set(name, `${value}`);
  }

  setAttributeNS(_namespace: string, name: string, value: unknown): void {
    this.setAttribute(name, value);
  }

  removeAttribute(name: string): void {
    this.attributes.delete(name);
  }

  appendChild<N extends SvgNode>(child: N): N {
    return this.insertBefore(child, null);
  }

  insertBefore<N extends SvgNode>(child: N, next: SvgNode | null): N {
    child.remove();
    const place = next === null ? this.childNodes.length : this.childNodes.indexOf(next);
    this.childNodes.splice(place, 0, child);
    child.parentNode = this;
    return child;
  }

  append(...children: (SvgNode | string)[]): void {
    for (const child of children) this.appendChild(typeof child === 'string' ? new SvgText(child) : child);
  }

  addEventListener(): void {}

  override toString(): string {
    const attributes = [...this.attributes].map(([name, value]) => ` ${name}="${escapeHtml(value)}"`).join('');
    return `<${this.tagName}${attributes}>${this.childNodes.join('')}</${this.tagName}>`;
  }
}

/** The document that a plotting library draws into where there is no browser. */
export class SvgDocument {
  readonly documentElement = new SvgElement(this, 'http://www.w3.org/1999/xhtml', 'html');
  readonly defaultView = null;

  createElementNS(namespace: string, name: string): SvgElement {
    return new SvgElement(this, namespace, name);
  }

  createElement(name: string): SvgElement {
    return new SvgElement(this, name === 'svg' ? SvgNamespace : this.documentElement.namespaceURI, name);
  }

  createTextNode(text: string): SvgText {
    return new SvgText(text);
  }
}
