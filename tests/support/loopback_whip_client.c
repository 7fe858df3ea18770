/* Stands before and behind libnice so that Debian's whip-client runs in a test, on loopback alone. */

/* Of libgupnp-igd, which asks routers for ports and brings the libsoup that whip-client 0.0~git20230131 of Debian 12 cannot
   be in one process with: there is no router. */
void *gupnp_simple_igd_thread_new(void) { return 0; }
unsigned long gupnp_simple_igd_get_type(void) { return 0; }
void gupnp_simple_igd_add_port(void) {}
void gupnp_simple_igd_remove_port(void) {}
void gupnp_simple_igd_remove_port_local(void) {}

/* libnice leaves out 127.0.0.1; here it is all there is. */
extern void *g_list_append(void *list, void *data);
extern char *g_strdup(const char *text);
void *nice_interfaces_get_local_ips(int include_loopback) {
  (void)include_loopback;
  return g_list_append(0, g_strdup("127.0.0.1"));
}
