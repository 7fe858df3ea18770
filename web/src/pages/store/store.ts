/** Starts the shop's page. */
import { mount } from '../../use/mount'
import Store from './Store.vue'

mount(Store)
