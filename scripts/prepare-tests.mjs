// What `npm test` needs beyond npm: ffmpeg and ffprobe, which decode what a viewer would get.
// Plain JavaScript for the Node that runs npm (20 or newer). Where they are missing on Debian or Ubuntu and we
// are root (a container, CI), it installs them and says so first; elsewhere it says what to install.
import { spawnSync } from 'node:child_process';

const TOOLS = [
  { command: 'ffmpeg', versionFlag: '-version', debianPackage: 'ffmpeg' },
  { command: 'ffprobe', versionFlag: '-version', debianPackage: 'ffmpeg' },
];

function missingTools() {
  return TOOLS.filter(
    ({ command, versionFlag }) => spawnSync(command, [versionFlag], { stdio: 'ignore' }).status !== 0,
  );
}

function canInstall() {
  const isRoot = process.getuid?.() === 0;
  return isRoot && spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status === 0;
}

function installWithApt(packages) {
  process.stdout.write(`The tests need ${packages.join(', ')}: installing with apt-get.\n`);
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const step of [['update'], ['install', '-y', '--no-install-recommends', ...packages]]) {
    const { status } = spawnSync('apt-get', step, { stdio: 'inherit', env: environment });
    if (status !== 0) {
      process.stderr.write(`apt-get ${step.join(' ')} failed.\n`);
      return;
    }
  }
}

const missing = missingTools();
if (missing.length > 0 && canInstall()) {
  installWithApt([...new Set(missing.map((tool) => tool.debianPackage))]);
}
const stillMissing = missing.length > 0 ? missingTools() : [];
if (stillMissing.length > 0) {
  const names = stillMissing.map((tool) => tool.command).join(' and ');
  process.stderr.write(
    `The tests need ${names}, not found here. Install ffmpeg (Debian/Ubuntu: apt-get install ffmpeg; ` +
      'macOS: brew install ffmpeg) and try again; npm run test:unit needs neither.\n',
  );
  process.exitCode = 1;
}
