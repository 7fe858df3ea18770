/** The words of going on to another room, in English. */
import type { zh } from './words.zh'

export const en: typeof zh = {
  next_room: {
    title: 'Next: {title}',
    hint: '{store} is live. You go there in {n} s.',
    waits: '{store} is live',
    go: 'Go now',
    stay: 'Stay here',
    choose: 'Then lead viewers to',
    nowhere: 'Nowhere',
    room: '{store} · {title} ({n} watching)',
    failed: 'They could not be led there. Please choose again.',
  },
}
