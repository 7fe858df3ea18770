/** Starts the viewer's page. */
import { words } from '../../i18n/room'
import { mount } from '../../use/mount'
import Room from './Room.vue'

mount(Room, words)
