/** Warehouses: where goods come in before they go to the stores. */
import type { Section } from '../sections'
import Warehouses from './Warehouses.vue'
import { en } from './words.en'
import { zh } from './words.zh'

export default { page: Warehouses, words: { zh, en } } satisfies Section
