/** Assortment: a section of the head office. */
import type { Section } from '../sections'
import Assortment from './Assortment.vue'
import { en } from './words.en'
import { zh } from './words.zh'

export default { page: Assortment, words: { zh, en } } satisfies Section
