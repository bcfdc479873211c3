import { BackplaneError } from '../../memory/index.ts';
import { SvgDocument, type SvgElement } from './svg-document.ts';

export type PlotLibrary = typeof import('@observablehq/plot');
export type PlotOptions = NonNullable<Parameters<PlotLibrary['plot']>[0]>;

/** Loaded only when a page is written: nothing else needs it, and an installation may leave it out. */
export async function loadPlotting(): Promise<PlotLibrary> {
  try {
    return await import('@observablehq/plot');
  } catch (cause) {
    throw new BackplaneError(
      "the page needs the optional package '@observablehq/plot', which is not installed. Write 'npm install @observablehq/plot@0.6.17'.",
      { cause },
    );
  }
}

/** A chart as SVG text, with a title and a description for those who do not see it. */
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
