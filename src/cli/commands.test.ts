import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { COMMANDS } from './commands.ts';

const LIST = join(import.meta.dirname, 'commands.ts');
const LOAD_COMMAND =
  'const { COMMANDS } = await import(process.argv[1]); await COMMANDS.find(({ name }) => name === process.argv[2]).load()';

/** Which of our modules a statement takes, in a process of its own; its arguments are the list of commands and `argument`. */
async function modulesLoadedBy(statement: string, argument: string): Promise<string[]> {
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
    ${statement};
    process.stdout.write(JSON.stringify(loaded.filter((url) => url.includes('/src/'))));
  `;
  const args = ['--input-type=module', '-e', script, LIST, argument];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const loaded: unknown = JSON.parse(stdout);
  assert.ok(Array.isArray(loaded));
  return loaded.map((url) => String(url).split('/src/')[1] ?? '');
}

describe('the list of commands', () => {
  for (const { name, summary, load } of COMMANDS) {
    test(`${name} tells its usage by that name, and in a sentence what it does`, async () => {
      const command = await load();
      assert.match(await command.help(), new RegExp(`^Usage: acemux ${name}( |\\n)`));
      assert.match(summary, /^[A-Z].*\.$/);
    });
  }

  test('the health check, which a container runs all the time, is loaded without the server', async () => {
    const modules = await modulesLoadedBy(LOAD_COMMAND, 'healthcheck');
    assert.ok(modules.includes('cli/healthcheck.ts'));
    const much = modules.filter((module) =>
      /^(app|session|mpegts|fleet|output|http|simulator|store)\b/.test(module),
    );
    assert.deepEqual(much, []);
  });

  test('the server is loaded without the doctor, and without the simulator, which only a demo needs', async () => {
    const modules = await modulesLoadedBy(
      'await import(process.argv[2])',
      join(import.meta.dirname, '../app.ts'),
    );
    assert.ok(modules.includes('app.ts'));
    assert.deepEqual(
      modules.filter((module) => /^(doctor|simulator)\//.test(module)),
      [],
    );
  });
});
