// What `npm test` needs beyond npm: ffmpeg and ffprobe, which decode what a viewer would get, Chromium, in which hls.js plays,
// and for root on Linux ip, which makes a far machine that can vanish, VLC, which will not run as root itself, Docker
// with iptables, for engines in containers, nginx, which stands in front of acemux, curl, by which the commands of docs/security.md ask,
// and promtool, which judges the alert rules.
// Plain JavaScript for the Node that runs npm (20 or newer). Where they are missing on Debian or Ubuntu and we
// are root (a container, CI), it installs them and says so first; elsewhere it says what to install.
import { spawnSync } from 'node:child_process';

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const TOOLS = [
  { command: 'ffmpeg', versionFlag: '-version', debianPackage: 'ffmpeg' },
  { command: 'ffprobe', versionFlag: '-version', debianPackage: 'ffmpeg' },
  { command: 'chromium', versionFlag: '--version', debianPackage: 'chromium' },
];
// Others may not make network namespaces, nor run a daemon: the tests that need it say so.
if (process.platform === 'linux' && isRoot) {
  TOOLS.push(
    { command: 'ip', versionFlag: '-V', debianPackage: 'iproute2' },
    { command: 'vlc', versionFlag: '--version', debianPackage: 'vlc-bin', user: NOBODY },
    { command: 'vlc', versionFlag: '--version', debianPackage: 'vlc-plugin-base', user: NOBODY },
    { command: 'dockerd', versionFlag: '--version', debianPackage: 'docker.io' },
    { command: 'openssl', versionFlag: 'version', debianPackage: 'openssl' },
    { command: 'iptables', versionFlag: '--version', debianPackage: 'iptables' },
    { command: 'curl', versionFlag: '--version', debianPackage: 'curl' },
    { command: 'nginx', versionFlag: '-v', debianPackage: 'nginx' },
    { command: 'promtool', versionFlag: '--version', debianPackage: 'prometheus' },
  );
}

function missingTools() {
  return TOOLS.filter(
    ({ command, versionFlag, user }) =>
      spawnSync(command, [versionFlag], { stdio: 'ignore', uid: user, gid: user }).status !== 0,
  );
}

function canInstall() {
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
  const packages = [...new Set(stillMissing.map((tool) => tool.debianPackage))].join(' ');
  process.stderr.write(
    `The tests need ${names}, not found here. Install ${packages} (Debian/Ubuntu: apt-get install ${packages}; ` +
      `macOS: brew install ${packages}) and try again; npm run test:unit needs none of them.\n`,
  );
  process.exitCode = 1;
}
