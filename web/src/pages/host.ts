/** Starts the host's page. */
import { mount } from '../parts/mount'
import Host from './Host.vue'

mount(Host)
