/** Starts the host's page. */
import { mount } from '../../use/mount'
import Host from './Host.vue'

mount(Host)
