import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** What a run of a tool said; both texts whole. */
export interface ToolResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a tool with bytes on its standard input and waits for its end. */
export async function runTool(tool: string, args: readonly string[], input?: Buffer): Promise<ToolResult> {
  const child = spawn(tool, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const outputs = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    outputs.stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    outputs.stderr += chunk.toString();
  });
  // A tool may have enough before it has all.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [code] = await once(child, 'close');
  return { code: typeof code === 'number' ? code : null, ...outputs };
}

/**
 * Decodes a recording whole; every line that ffmpeg says about it is a complaint.
 * @param before options for the input
 */
export async function complaintsOfFfmpeg(recording: Buffer, before: readonly string[] = []): Promise<string> {
  const input = ['-v', 'warning', ...before, '-f', 'mpegts', '-i', 'pipe:0'];
  const args = [...input, '-map', '0:v', '-map', '0:a', '-f', 'null', '-'];
  const { stderr } = await runTool('ffmpeg', args, recording);
  return stderr;
}

/** Seconds of decoded video in a recording, from its first to its last picture, and how many pictures there are. */
export async function picturesOf(recording: Buffer): Promise<readonly number[]> {
  const entries = ['-show_entries', 'frame=best_effort_timestamp_time', '-of', 'csv=p=0'];
  const args = ['-v', 'error', '-f', 'mpegts', '-select_streams', 'v:0', ...entries, 'pipe:0'];
  const { stdout } = await runTool('ffprobe', args, recording);
  return stdout
    .split('\n')
    .map((line) => Number.parseFloat(line))
    .filter((seconds) => Number.isFinite(seconds));
}
