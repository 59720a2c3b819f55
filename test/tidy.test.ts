/** The repository's rules about itself: each test names what breaks its rule and says what to do instead. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, normalize, relative } from 'node:path';
import { describe, test } from 'node:test';
import {
  assertNone,
  codeOnly,
  files,
  imports,
  linesOf,
  products,
  ROOT,
  read,
  sources,
} from './support/repository.ts';

const TEXT = /\.(ts|mjs|js|json|md|ya?ml|html|css|sh|py)$|(^|\/)(Dockerfile|run|\.git\w+)$/;
const BLOB_BYTES_MAX = 3.1 * 1024 * 1024;
const SOURCE_LINES_MAX = 450;

/** Files with logic that no test beside them imports: why, and who tests them. */
const WITHOUT_OWN_TEST: Readonly<Record<string, string>> = {
  'src/http/routes/overview.ts': 'http/overview-words.test.ts asks it over HTTP',
  'src/http/routes/panel.ts': 'http/panel-files.test.ts asks it over HTTP',
  'src/telemetry/events/fleet-event-table.ts': 'rows of the table that event-table.test.ts looks at',
  'src/fleet/engine-care.ts': 'reconciler.test.ts and fleet-control.test.ts have it do all that it can',
  'src/fleet/place-queue.ts': 'fleet.test.ts and capacity.test.ts are about who waits',
  'src/fleet/provider-feed.ts': 'registry.test.ts has providers that change, are slow and fail',
  'src/fleet/reconciler/failure-causes.ts': 'a set of words; reconciler.test.ts has failures of both kinds',
  'src/fleet/reconciler/pace.ts':
    'plan.test.ts and plan-properties.test.ts count the actions of every minute',
  'src/fleet/reconciler/replacement.ts':
    'plan.test.ts, plan-vpn.test.ts and plan-vpn-properties.test.ts judge who replaces whom',
  'src/fleet/reconciler/placement.ts': 'plan.test.ts and plan-properties.test.ts judge what is placed where',
  'src/fleet/reconciler/standing.ts': 'plan.test.ts and plan-properties.test.ts judge what engines count for',
  'src/config/fleet-keys.ts': 'keys; config/load.test.ts reads all of them',
  'src/config/limit-keys.ts': 'keys; config/load.test.ts reads all of them',
  'src/config/client-keys.ts': 'keys; config/load.test.ts reads all of them',
  'src/base/limit-reasons.ts': 'rows of the table that base/reasons.test.ts judges',
  'src/fleet/health/health-watch.ts': 'fleet/registry.test.ts judges when engines are probed',
  'src/main.ts': 'the entry point; test/ runs it as a process',
  'src/app-fleet.ts': 'its other file; test/integration/fleet*.test.ts drive it over HTTP',
  'src/app-providers.ts': 'part of the composition root; test/integration and test/docker drive it',
  'src/store/start-rows.ts': 'test/integration/restart.test.ts has a next life read what one has written',
  'src/store/settings-file-thread.ts': 'cli/show-config.test.ts runs it as a thread',
  'src/store/settings-file.ts': 'cli/show-config.test.ts reads what a store has written, and what is none',
  'src/cli/running-acemux.ts': 'why.test.ts and report.test.ts ask by it over HTTP',
  'src/history/history.ts': 'test/integration/history.test.ts asks it over HTTP',
  'src/history/past.ts': 'test/integration/history.test.ts reads what it makes of rows',
  'src/http/history-json.ts': 'http/routes/history.test.ts compares what it says',
  'src/access/secret-file.ts': 'admin-key.test.ts and signing-secrets.test.ts read and write by it',
  'src/config/access-keys.ts': 'keys; config/load.test.ts reads all of them',
  'src/engine/media-connection.ts': 'media.test.ts and engine-client.test.ts read media by it',
  'src/http/limits-schema.ts': 'a shape; http/routes/keys.test.ts sends it',
  'src/config/history-keys.ts': 'keys; config/load.test.ts reads all of them',
  'src/base/store-reasons.ts': 'rows of the table that base/reasons.test.ts judges',
  'src/store/store-thread.ts': 'store.test.ts runs it as a thread',
  'src/app.ts': 'the composition root; test/integration drives it over HTTP',
  'src/session/session-state.ts': 'a table; session.test.ts and directory.test.ts walk through it',
  'src/session/supply.ts': 'session.test.ts, standby.test.ts and slow-start.test.ts are about what it does',
  'src/session/attempt-record.ts': 'session/session-detail.test.ts reads the attempts of sessions',
  'src/session/session-control.ts': 'test/integration/stream-control.test.ts drives it over HTTP',
  'src/session/viewers.ts': 'session/session-detail.test.ts and session.test.ts are about who watches',
  'src/session/session-deps.ts': 'interfaces',
  'src/http/session-detail-words.ts': 'test/integration/stream-control.test.ts reads what it says',
  'src/telemetry/orchestrator-metrics-declaration.ts':
    'rows of the table that telemetry/metrics.test.ts judges',
  'src/telemetry/stage-metrics-declaration.ts': 'rows of the table that telemetry/metrics.test.ts judges',
  'src/app-metrics.ts':
    'part of the composition root; test/integration/dashboards.test.ts reads what comes of it',
  'src/config/webhook-keys.ts': 'config/load.test.ts reads all keys; telemetry/webhooks.test.ts goes by them',
  'src/telemetry/declared-metric.ts': 'telemetry/metrics.test.ts reads what it makes',
  'src/http/routes/settings.ts': 'test/integration/settings.test.ts asks it over HTTP',
  'src/http/routes/clients.ts': 'test/integration/stream-control.test.ts asks it over HTTP',
  'src/http/routes/stream-control.ts': 'test/integration/stream-control.test.ts asks it over HTTP',
  'src/base/reason-table.ts': 'a table; base/reasons.test.ts reads each of its rows',
  'src/base/request-reasons.ts': 'rows of the table that base/reasons.test.ts judges',
  'src/fleet/return-check.ts': 'fleet.test.ts waits for an engine that comes back',
  'src/http/fleet-words.ts': 'http/routes/engines.test.ts compares what it says',
  'src/http/times.ts': 'one call; the tests of every route read what it gives',
  'src/http/vpn-words.ts': 'http/routes/vpn.test.ts compares what it says',
  'src/http/stream-words.ts': 'http/routes/streams.test.ts compares what it says',
  'src/base/access-reasons.ts': 'rows of the table that base/reasons.test.ts judges',
  'src/base/docker-reasons.ts': 'rows of the table that base/reasons.test.ts judges',
  'src/fleet/providers/docker/engine-maker.ts': 'test/docker/ makes engines by it on a real daemon',
  'src/fleet/providers/docker/own-containers.ts': 'test/docker/ has a real daemon tell of containers',
  'src/base/fleet-reasons.ts': 'rows of the table that base/reasons.test.ts judges',
  'src/base/timeshift-reasons.ts': 'rows of the table that base/reasons.test.ts judges',
  'src/fleet/vpn/control-call.ts': 'gluetun-client.test.ts makes its calls over HTTP',
  'src/fleet/vpn/vpn-probe.ts': 'vpn-watch.test.ts looks by it over HTTP',
  'src/fleet/vpn/vpn-upkeep.ts': 'vpn-watch.test.ts judges what is restarted, and what never is',
  'src/base/vpn-reasons.ts': 'rows of the table that base/reasons.test.ts judges',
  'src/timeshift/kept-session.ts': 'timeshift.test.ts judges what it writes and finds',
  'src/timeshift/segment-keeping.ts': 'test/integration/hls-window.test.ts has its disk full, slow and dead',
  'src/output/hls/kept-list.ts': 'test/integration/hls-window.test.ts judges each list that it makes',
  'src/version.ts': 'a name for the field of package.json; cli/run.test.ts prints it',
  'src/config/key.ts': 'the shape of a key; config/load.test.ts reads all of them',
  'src/config/docker-combinations.ts':
    'config/load.test.ts and docker-keys.test.ts judge whole configurations',
  'src/config/layers.ts': 'config/load.test.ts judges what the layers make together',
  'src/config/combinations.ts': 'config/load.test.ts judges whole configurations',
  'src/config/vpn-keys.ts': 'config/load.test.ts reads all keys',
  'src/config/vpn-combinations.ts': 'configured-vpns.test.ts judges whole configurations',
  'src/config/effective.ts': 'cli/show-config.test.ts reads what it prints',
  'src/doctor/api-checks.ts': 'test/integration/doctor.test.ts runs it at simulated engines',
  'src/doctor/doctor.ts': 'test/integration/doctor.test.ts runs it at simulated engines',
  'src/doctor/file-checks.ts': 'test/integration/doctor.test.ts runs it at simulated engines',
  'src/doctor/hls-checks.ts': 'test/integration/doctor.test.ts runs it at simulated engines',
  'src/doctor/long-checks.ts': 'test/integration/doctor.test.ts runs it at simulated engines',
  'src/doctor/media-reading.ts': 'test/integration/doctor.test.ts runs it at simulated engines',
  'src/doctor/playback-checks.ts': 'test/integration/doctor.test.ts runs it at simulated engines',
  'src/doctor/reader-checks.ts': 'test/integration/doctor.test.ts runs it at simulated engines',
  'src/doctor/session-checks.ts': 'test/integration/doctor.test.ts runs it at simulated engines',
  'src/doctor/checks.ts':
    'a table of words; test/integration/doctor.test.ts finds each of its checks in results',
  'src/doctor/times.ts': 'numbers; the tests of the doctor give their own',
  'src/simulator/hls-routes.ts': 'simulator/hls.test.ts asks them over HTTP',
  'src/simulator/media-reader.ts': 'simulator/media.test.ts and faults.test.ts read what it writes',
  'src/simulator/replies.ts': 'simulator/engine.test.ts and faults.test.ts read replies off the wire',
  'src/simulator/service-routes.ts': 'simulator/engine.test.ts asks them over HTTP',
  'src/simulator/session-routes.ts': 'simulator/engine.test.ts and sessions.test.ts ask them over HTTP',
  'src/simulator/start-route.ts': 'simulator/engine.test.ts and faults.test.ts ask it over HTTP',
};

/** Lines in which a word of secrets is something else: why. */
const SAME_WORD_NO_SECRET: readonly string[] = [
  // Whether both are given.
  'src/config/vpn-combinations.ts',
  'src/config/vpn-list.ts',
];

describe('sources', () => {
  test(`have at most ${SOURCE_LINES_MAX} lines`, () => {
    const long = sources
      .map((file) => ({ file, lines: read(file).split('\n').length - 1 }))
      .filter(({ lines }) => lines > SOURCE_LINES_MAX)
      .map(({ file, lines }) => `${file}: ${lines} lines`);
    assertNone(long, 'There is a second subject in it: give it a file of its own.');
  });

  test('have no `any`', () => {
    const pattern = /(?::|<|\||\bas|=>)\s*any\b(?!\s*[:(=?.'"])|,\s*any\s*>|\bany\[\]/;
    assertNone(linesOf(sources, pattern, codeOnly), 'Say what it is, or `unknown` and find out.');
  });

  test('leave nothing for later', () => {
    const pattern = new RegExp(['TO', 'DO|FIX', 'ME|XX', 'X\\b'].join(''));
    const all = files.filter((file) => /\.(ts|mjs|md|ya?ml)$/.test(file) && file !== 'test/tidy.test.ts');
    assertNone(linesOf(all, pattern), 'Do it now, or open an issue and name it in docs/decisions.md.');
  });

  test('take the environment through the configuration only', () => {
    const others = products.filter((file) => !/^src\/(main\.ts|config\/|cli\/)/.test(file));
    assertNone(linesOf(others, /\bprocess\.env\b/, codeOnly), 'Declare a key in src/config/declaration.ts.');
  });

  test('compare no secret by ===, which takes longer the more of it is right', () => {
    // What is undefined, empty or of another type is no secret yet.
    const harmless = /[!=]==? (?:undefined|null|''|typeof|'(?:string|number)')|typeof \S+ [!=]==?/g;
    const secret =
      '\\w*(?:secret|digest|signature|password|presented\\w*|api_?key|adminKey|sessionId|mac|hmac)';
    const pattern = new RegExp(`\\b${secret}\\)? [!=]==? |[!=]==? \\S*\\b${secret}\\b`, 'i');
    const guarded = products.filter((file) => /^src\/(access|http|cli|config|app)/.test(file));
    assertNone(
      linesOf(guarded, pattern, (source) => codeOnly(source).replace(harmless, '')).filter(
        (line) => !SAME_WORD_NO_SECRET.some((part) => line.includes(part)),
      ),
      'Compare digests by isSameDigest (src/access/digest.ts).',
    );
  });

  test('on the way of media wait for no disk: nothing synchronous but what is done in memory', () => {
    const media = products.filter((file) => /^src\/(timeshift|output)\//.test(file));
    assertNone(
      linesOf(media, /\b(?!deflateRawSync\b)\w+Sync\(/, codeOnly),
      'Take what node:fs/promises has, or do it in a thread.',
    );
  });

  test('write to the log, not to the console', () => {
    assertNone(linesOf(products, /\bconsole\s*\./, codeOnly), 'Take a Log as a dependency.');
  });

  test('with logic have a test beside them', () => {
    const untested = products.filter((file) => {
      // What stands in testing/ is itself made for tests.
      const excused = file in WITHOUT_OWN_TEST || file.includes('/testing/');
      return !excused && hasLogic(file) && !isTestedBeside(file);
    });
    assertNone(untested, 'Write x.test.ts beside x.ts, or say in WITHOUT_OWN_TEST who tests it.');
  });

  test('excused from a test beside them exist and have none', () => {
    const stale = Object.keys(WITHOUT_OWN_TEST).filter((file) => {
      return !existsSync(join(ROOT, file)) || isTestedBeside(file);
    });
    assertNone(stale, 'Take it out of WITHOUT_OWN_TEST.');
  });

  test('that are tests have no hook outside of a describe: many of them run in one process', () => {
    const tests = files.filter((file) => /^(src|panel\/src)\/.*\.test\.ts$/.test(file));
    assertNone(
      linesOf(tests, /^(before|after)(Each)?\(/),
      'It would be one for the tests of other files, too: put it into the describe whose tests need it.',
    );
  });

  test('have names in kebab-case', () => {
    const code = files.filter((file) => /^(src|test|bench|scripts|panel)\/.*\.(ts|mjs|tsx)$/.test(file));
    const wrong = code.filter((file) => {
      return !file.split('/').every((part) => /^[a-z0-9]+(-[a-z0-9]+)*(\.test)?(\.[a-z]+)?$/.test(part));
    });
    assertNone(wrong, 'Rename it: words in lower case with hyphens.');
  });
});

describe('the repository', () => {
  test('holds no large file', () => {
    const large = files.filter((file) => statSync(join(ROOT, file)).size > BLOB_BYTES_MAX);
    assertNone(large, 'Make it smaller, or let a script make it.');
  });

  test('has links in its documents that lead somewhere', () => {
    assertNone(files.filter((file) => file.endsWith('.md')).flatMap(brokenLinks), 'Mend the link.');
  });

  test('names no machine of its developers', () => {
    const texts = files.filter((file) => TEXT.test(file) && file !== 'test/tidy.test.ts');
    const paths = linesOf(texts, /(?<![\w.@/-])\/(?:work|root|home\/\w+|Users\/\w+)\//);
    const registries = files
      .filter((file) => /(^|\/)(\.npmrc|\.yarnrc(\.yml)?)$/.test(file))
      .map((file) => `${file}: a registry is the installer's choice`);
    const locked = linesOf(
      files.filter((file) => file === 'package-lock.json'),
      /"resolved": "(?!https:\/\/registry\.npmjs\.org\/)/,
    );
    assertNone(
      [...paths, ...registries, ...locked],
      'Use relative paths, and no registry but the public one.',
    );
  });

  test('pins the exact version of every package', () => {
    const manifest: unknown = JSON.parse(read('package.json'));
    const loose = ['dependencies', 'devDependencies', 'optionalDependencies']
      .flatMap((group) => Object.entries(field(manifest, group)))
      .filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(String(version)))
      .map(([name, version]) => `${name}: ${String(version)}`);
    assertNone(loose, 'Write the version without ^ or ~.');
  });
});

/** Whether anything of a file is left to run once types, imports and re-exports are gone. */
function hasLogic(file: string): boolean {
  const code = codeOnly(read(file));
  return /\b(?:function|class|const|let)\b/.test(code);
}

/** Whether a test in its folder, or in one above it in src/, imports it: mostly x.test.ts beside x.ts. */
function isTestedBeside(file: string): boolean {
  // Its own test may reach it through a rig.
  if (existsSync(join(ROOT, file.replace(/\.ts$/, '.test.ts')))) return true;
  return imports.some(({ from, target }) => {
    return target === file && from.endsWith('.test.ts') && file.startsWith(`${dirname(from)}/`);
  });
}

function brokenLinks(file: string): string[] {
  const text = read(file).replace(/```[\s\S]*?```|`[^`\n]*`/g, '');
  const links = [...text.matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)].map((match) => match[1] ?? '');
  return links
    .filter((link) => !/^(https?|mailto|acestream):/.test(link))
    .filter((link) => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? file : normalize(join(dirname(file), decodeURI(path)));
      if (!existsSync(join(ROOT, target))) return true;
      return anchor !== undefined && target.endsWith('.md') && !anchorsOf(target).includes(anchor);
    })
    .map((link) => `${relative('', file)}: ${link} (from ${basename(file)})`);
}

/** The anchors that GitHub makes of a document's headings. */
function anchorsOf(file: string): string[] {
  const headings = [...read(file).matchAll(/^#{1,6}\s+(.+)$/gm)].map((match) => match[1] ?? '');
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}

function field(holder: unknown, name: string): object {
  const value: unknown = typeof holder === 'object' && holder ? Reflect.get(holder, name) : undefined;
  return typeof value === 'object' && value ? value : {};
}
