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
    count: '×{n}',
    viewers: '{n} watching',
  },
  badge: {
    live: 'LIVE',
    paused: 'PAUSED',
    scheduled: 'SOON',
    over: 'ENDED',
  },
}
