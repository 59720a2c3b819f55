import { createRequire } from 'node:module';

/** The parser of hls-parser, strict; undefined where the package is not installed. */
export function strictParser(): ((text: string) => void) | undefined {
  try {
    const parser = Object(createRequire(import.meta.url)(process.env['HLS_PARSER'] ?? 'hls-parser'));
    parser.setOptions({ strictMode: true });
    return (text) => void parser.parse(text);
  } catch {
    return undefined;
  }
}
