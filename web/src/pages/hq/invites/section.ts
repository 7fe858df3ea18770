/** Invites that did not count, with the reasons. */
import type { Section } from '../sections'
import Invites from './Invites.vue'
import { en } from './words.en'
import { zh } from './words.zh'

export default { page: Invites, words: { zh, en } } satisfies Section
