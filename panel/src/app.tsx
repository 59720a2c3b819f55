import { computed } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useEffect } from 'preact/hooks';
import { keyWanted } from './api/call.ts';
import { formatDuration, formatTime } from './logic/format.ts';
import { AboutPage } from './pages/about.tsx';
import { EnginePage } from './pages/engine.tsx';
import { EnginesPage } from './pages/engines.tsx';
import { EventsPage } from './pages/events.tsx';
import { KeysPage } from './pages/keys.tsx';
import { OverviewPage } from './pages/overview.tsx';
import { PlayPage } from './pages/play.tsx';
import { SettingsPage } from './pages/settings.tsx';
import { StreamPage } from './pages/stream.tsx';
import { StreamsPage } from './pages/streams.tsx';
import { VpnPage } from './pages/vpn.tsx';
import { CommandField, FIELD_ID } from './parts/command-field.tsx';
import { KeyDialog, Notices, QuestionDialog } from './parts/dialogs.tsx';
import { Icon, type IconName } from './parts/icons.tsx';
import { question } from './store/acts.ts';
import { condition } from './store/condition.ts';
import { connection, type LiveFeed, lostAtMs, nowMs, overview, skewMs } from './store/live.ts';
import { isPlayer, logOut, me, showsAdmin } from './store/me.ts';
import { go, linkTo, route } from './store/route.ts';
import { texts } from './texts.ts';

const PAGES: readonly { readonly name: keyof typeof texts.pages & IconName; readonly page: ComponentType }[] =
  [
    { name: 'overview', page: OverviewPage },
    { name: 'streams', page: StreamsPage },
    { name: 'engines', page: EnginesPage },
    { name: 'vpn', page: VpnPage },
    { name: 'events', page: EventsPage },
    { name: 'settings', page: SettingsPage },
    { name: 'keys', page: KeysPage },
    { name: 'about', page: AboutPage },
  ];

/** The second key of `g o` and the like. */
const GO_KEYS: Readonly<Record<string, string>> = {
  o: 'overview',
  s: 'streams',
  e: 'engines',
  v: 'vpn',
  l: 'events',
};
/** A clock that is off by less than this is nobody's concern. */
const SKEW_SAID_MS = 90_000;

export function App({ feed }: { readonly feed: LiveFeed }) {
  useShortcuts();
  const [section = 'overview', ...rest] = route.value;
  useEffect(() => {
    const name = texts.pages[section as keyof typeof texts.pages] ?? texts.product;
    document.title = `${condition.value && condition.value.problems.length > 0 ? `(${condition.value.problems.length}) ` : ''}${name} · acemux`;
  });
  return (
    <div class="frame">
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        {texts.skip}
      </button>
      <header class="top">
        <a class="brand" href={linkTo('overview')} aria-label={texts.parts.home}>
          <BrandMark />
          <span>{texts.product}</span>
        </a>
        <CommandField />
        <div class="who">
          {me.value?.key && (
            <button type="button" class="who-key" title={texts.login.logout} onClick={() => void leave(feed)}>
              <span class="cut">{me.value.key.name}</span> <span class="faint">{texts.login.logout}</span>
            </button>
          )}
          <ConnectionMark />
        </div>
      </header>
      <nav class="rail" aria-label={texts.parts.pages}>
        {pagesShown().map(({ name }) => (
          <a
            key={name}
            href={linkTo(name)}
            class={name === section ? 'is-here' : ''}
            aria-current={name === section ? 'page' : undefined}
          >
            <Icon name={name} />
            <span>{texts.pages[name]}</span>
            {name === 'overview' && condition.value && condition.value.problems.length > 0 && (
              <b class={`count tone-${condition.value.gravity}`}>{condition.value.problems.length}</b>
            )}
          </a>
        ))}
      </nav>
      <main id="main" tabIndex={-1}>
        <Banners />
        <Page section={section} rest={rest} />
      </main>
      <QuestionDialog />
      <KeyDialog onLoggedIn={feed.again} />
      <Notices />
    </div>
  );
}

/** What a key is not good for is not offered. */
function pagesShown(): typeof PAGES {
  if (isPlayer.value) return PAGES.filter(({ name }) => name === 'about');
  return showsAdmin.value ? PAGES : PAGES.filter(({ name }) => name !== 'settings' && name !== 'keys');
}

function Page({ section, rest }: { readonly section: string; readonly rest: readonly string[] }) {
  const [first, second] = rest;
  if (section === 'play' && first !== undefined && second !== undefined) {
    return <PlayPage key={second} kind={first === 'infohash' ? 'infohash' : 'id'} hash={second} />;
  }
  if (isPlayer.value && section !== 'about') return <PlayersPage />;
  if (section === 'streams' && first !== undefined) return <StreamPage key={first} id={first} />;
  if (section === 'engines' && first !== undefined) return <EnginePage key={first} id={first} />;
  const Chosen = PAGES.find(({ name }) => name === section)?.page ?? OverviewPage;
  return <Chosen />;
}

/** For who may play, and not look around. */
function PlayersPage() {
  return (
    <div class="page">
      <section class="headline tone-well">
        <h1>{texts.player.title}</h1>
        <p class="faint">{texts.banners.viewer}</p>
      </section>
    </div>
  );
}

function BrandMark() {
  return (
    <svg viewBox="0 0 32 32" class="brand-mark" aria-hidden="true">
      <path d="M4 8h7l5 8h12" />
      <path d="M4 24h7l5-8" />
    </svg>
  );
}

function ConnectionMark() {
  return (
    <span class={`live is-${connection.value}`} role="status">
      <span class="state-dot" aria-hidden="true" />
      <span>{texts.connection.marks[connection.value]}</span>
    </span>
  );
}

const isDemo = computed(() => {
  const engines = overview.value?.engines ?? [];
  return engines.length > 0 && engines.every(({ provider }) => provider === 'simulated');
});

function Banners() {
  const skew = skewMs.value;
  return (
    <>
      {connection.value === 'lost' && (
        <div class="banner tone-trouble" role="alert">
          <Icon name="warn" />
          <span>{texts.connection.lost(formatTime(lostAtMs.value ?? nowMs.value, nowMs.value))}</span>
        </div>
      )}
      {connection.value === 'live' && Math.abs(skew) > SKEW_SAID_MS && (
        <div class="banner tone-watch">
          <span>{texts.connection.clock(formatDuration(Math.abs(skew) / 1000), skew < 0)}</span>
        </div>
      )}
      {isDemo.value && (
        <div class="banner tone-demo">
          <span>
            {texts.banners.demo} <span class="faint">{texts.banners.demoTodo}</span>
          </span>
        </div>
      )}
    </>
  );
}

async function leave(feed: LiveFeed): Promise<void> {
  try {
    await logOut();
  } finally {
    feed.again();
  }
}

function useShortcuts(): void {
  useEffect(() => {
    let isGoing = false;
    const onKey = (event: KeyboardEvent): void => {
      const { target, key } = event;
      const isTyping =
        target instanceof HTMLInputElement ||
        target instanceof HTMLTextAreaElement ||
        target instanceof HTMLSelectElement;
      if (key === 'Escape' && isTyping) target.blur();
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey || question.value || keyWanted.value)
        return;
      if (key === '/') {
        event.preventDefault();
        document.getElementById(FIELD_ID)?.focus();
      }
      const page = isGoing ? GO_KEYS[key] : undefined;
      if (page) go(page);
      isGoing = key === 'g';
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}
