/** Categories: the tree that products hang in. */
import type { Section } from '../sections'
import Categories from './Categories.vue'
import { en } from './words.en'
import { zh } from './words.zh'

export default { page: Categories, words: { zh, en } } satisfies Section
