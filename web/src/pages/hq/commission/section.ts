/** Commission: what leaders get of what their neighbours keep, and whom they serve. */
import type { Section } from '../sections'
import Commission from './Commission.vue'
import { en } from './words.en'
import { zh } from './words.zh'

export default { page: Commission, words: { zh, en } } satisfies Section
