import { render } from 'preact';
import './look/fonts.css';
import './look/tokens.css';
import './look/frame.css';
import './look/parts.css';
import './look/pictures.css';
import { App } from './app.tsx';
import { LiveFeed } from './store/live.ts';
import { applyTheme } from './store/theme.ts';

applyTheme();
const feed = new LiveFeed();
feed.start();
const root = document.getElementById('panel');
if (root) {
  root.replaceChildren();
  render(<App feed={feed} />, root);
}
