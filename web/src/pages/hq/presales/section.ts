/** Presales: goods that are ordered by a cut-off and packed overnight. */
import type { Section } from '../sections'
import Presales from './Presales.vue'
import { en } from './words.en'
import { zh } from './words.zh'

export default { page: Presales, words: { zh, en } } satisfies Section
