import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CommandRecorder } from '../../test/support/command-io.ts';
import { AcemuxError } from '../base/reasons.ts';
import { VERSION } from '../version.ts';
import { type Command, EXIT } from './command.ts';
import { runCommandLine } from './run.ts';
import { usageError } from './usage.ts';

const echo: Command = {
  help: () => 'Usage: acemux echo\n',
  async run(argv, io) {
    if (argv[0] === 'fail') throw new AcemuxError('port_taken', 'PORT 8000 is taken');
    if (argv[0] === 'bug') throw new TypeError('a mistake');
    if (argv[0] === 'usage') return usageError(io, 'No.', 'echo');
    io.stdout.write(argv.join(' '));
    return EXIT.ok;
  },
};

async function run(...argv: string[]): Promise<{ code: number; io: CommandRecorder }> {
  const io = new CommandRecorder();
  return {
    code: await runCommandLine(argv, io, [
      { name: 'echo', summary: 'Say it again.', load: async () => echo },
    ]),
    io,
  };
}

describe('the command line', () => {
  test('runs the named command with what follows', async () => {
    const { code, io } = await run('echo', 'a', 'b');
    assert.deepEqual([code, io.output, io.errors], [0, 'a b', '']);
  });

  test('prints the version', async () => {
    const { code, io } = await run('--version');
    assert.deepEqual([code, io.output], [0, `${VERSION}\n`]);
  });

  test('prints an overview, and the help of a command in three spellings', async () => {
    const overview = await run('--help');
    assert.equal(overview.code, 0);
    assert.match(overview.io.output, /echo +Say it again\./);
    for (const argv of [
      ['echo', '--help'],
      ['help', 'echo'],
      ['--help', 'echo'],
    ]) {
      const { code, io } = await run(...argv);
      assert.deepEqual([code, io.output], [0, 'Usage: acemux echo\n']);
    }
  });

  test('without a command or with an unknown one is a usage error that helps', async () => {
    const none = await run();
    assert.equal(none.code, 2);
    assert.match(none.io.errors, /Commands:/);
    const unknown = await run('ecko');
    assert.equal(unknown.code, 2);
    assert.match(unknown.io.errors, /Unknown command ecko; did you mean echo\?/);
    const flag = await run('--versoin');
    assert.equal(flag.code, 2);
    assert.match(flag.io.errors, /Unknown flag --versoin; did you mean --version\?/);
  });

  test('makes an exit code of every failure: one line for an expected one, the stack for a mistake', async () => {
    const failed = await run('echo', 'fail');
    assert.deepEqual([failed.code, failed.io.errors], [1, 'acemux: PORT 8000 is taken\n']);
    const bug = await run('echo', 'bug');
    assert.equal(bug.code, 1);
    assert.match(bug.io.errors, /TypeError: a mistake\n +at /);
    const usage = await run('echo', 'usage');
    assert.deepEqual([usage.code, usage.io.errors], [2, 'acemux: No.\nSee acemux echo --help.\n']);
  });
});
