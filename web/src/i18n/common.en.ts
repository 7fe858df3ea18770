/** The words on every page, in English. */
import type { zh } from './common.zh'

export const en: typeof zh = {
  common: {
    brand: 'Linli',
    language: '中文',
    language_label: 'Switch to Chinese',
    close: 'Close',
    cancel: 'Cancel',
    retry: 'Try again',
    loading: 'Loading…',
    back_home: 'Back to the start page',
    reload: 'Reload the page',
    log_out: 'Log out',
    load_failed: 'This cannot be shown right now. Check your connection and try again.',
    nothing_kept:
      'This browser keeps no data for this site: once this page is closed, it no longer knows you or your orders. Take a screenshot of a pickup code.',
    count: '×{n}',
    and_others: '{name} and {n} more',
    viewers: '{n} watching',
  },
  badge: {
    live: 'LIVE',
    paused: 'PAUSED',
    scheduled: 'SOON',
    over: 'ENDED',
  },
}
