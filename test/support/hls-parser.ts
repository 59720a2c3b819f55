import hlsParser from 'hls-parser';

hlsParser.setOptions({ strictMode: true });

/** Another's opinion of a playlist. @throws Error at whatever breaks a rule */
export function parseElsewhere(text: string): void {
  hlsParser.parse(text);
}
