/** Starts the shop's page. */
import { mount } from '../parts/mount'
import Store from './Store.vue'

mount(Store)
