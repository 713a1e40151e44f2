// The meters: how late the words are, how much waits, the connection, and what is accounted for.

import { clock } from './transcript_view.mjs';

const $ = (id) => document.getElementById(id);
const TEXTS = { up: 'connected', opening: 'connecting', away: 'lost, coming back', upload: 'uploading', idle: 'not connected' };

export function showMeters(run) {
  const link = linkOf(run);
  set($('connection'), TEXTS[link]);
  $('connection').dataset.link = link;
  const trip = run.session?.roundTripS;
  set($('round-trip'), link === 'up' && trip !== null ? `round trip ${Math.max(1, Math.round(trip * 1000))} ms` : '');
  showPace(run);
  set($('backlog'), `${run.backlogS.toFixed(1)} s`);
  $('backlog-bar').value = run.backlogS;
  const committed = run.seconds(run.ended?.stats?.committed ?? run.session?.accounts.committed ?? 0);
  set($('committed'), `${clock(committed)} of ${clock(run.durationS)}`);
  showVerdict(run);
}

function linkOf(run) {
  if (run.ended) return 'idle';
  if (!run.session) return run.requesting ? 'upload' : 'idle';
  if (run.away) return 'away';
  return run.session.link === 'up' && run.session.phase !== 'connecting' ? 'up' : 'opening';
}

function showPace(run) {
  set($('pace-name'), run.live ? 'Delay' : 'Speed');
  $('pace-bar').hidden = !run.live;
  if (run.live) {
    set($('pace'), run.delayS === null ? '–' : `${run.delayS.toFixed(1)} s`);
    $('pace-bar').value = run.delayS ?? 0;
  } else if (!run.ended) {
    set($('pace'), run.session ? `${run.speed.toFixed(1)} × real time` : '–');
  }
}

function showVerdict(run) {
  const verdict = $('verdict');
  delete verdict.dataset.complete;
  if (run.ended) verdict.dataset.complete = run.ended.complete;
  set(verdict, run.ended ? (run.ended.complete ? '✓ every sample' : 'not complete') : '');
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
