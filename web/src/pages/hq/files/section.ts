/** Files: a section of the head office. */
import type { Section } from '../sections'
import Files from './Files.vue'
import { en } from './words.en'
import { zh } from './words.zh'

export default { page: Files, words: { zh, en } } satisfies Section
