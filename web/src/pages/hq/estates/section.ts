/** Estates: where neighbours live. */
import type { Section } from '../sections'
import Estates from './Estates.vue'
import { en } from './words.en'
import { zh } from './words.zh'

export default { page: Estates, words: { zh, en } } satisfies Section
