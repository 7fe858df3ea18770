/** The words of the start page, in English. */
import type { zh } from './home.zh'

export const en: typeof zh = {
  home: {
    me: 'Me',
    title: 'Your corner shop, live',
    lead: 'See what the owner has in, join your neighbours’ group buy, and pick it up 30 minutes later.',
    live_now: 'Live now',
    none: 'Nobody is live right now. Come back a little later.',
    watch: 'Watch',
    wait: 'Wait for the start',
    for_shops: 'For shops',
    host: 'Go live',
    host_hint: 'With the camera of a phone or laptop',
    store: 'Store board',
    store_hint: 'Pick, pack and hand over orders',
  },
  lives: {
    scheduled: 'Coming up',
    over: 'Ended',
  },
}
