/** Staff: who works where, and who may log in. */
import type { Section } from '../sections'
import Staff from './Staff.vue'
import { en } from './words.en'
import { zh } from './words.zh'

export default { page: Staff, words: { zh, en } } satisfies Section
