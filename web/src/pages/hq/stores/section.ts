/** Stores: where goods lie and are handed over. */
import type { Section } from '../sections'
import Stores from './Stores.vue'
import { en } from './words.en'
import { zh } from './words.zh'

export default { page: Stores, words: { zh, en } } satisfies Section
