/** Refunds: what waits, failed or has no answer yet. */
import type { Section } from '../sections'
import Refunds from './Refunds.vue'
import { en } from './words.en'
import { zh } from './words.zh'

export default { page: Refunds, words: { zh, en } } satisfies Section
