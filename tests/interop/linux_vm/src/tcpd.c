/* tcpd: plain TCP peer (kernel stack) under a control port.
 * listen PORT mode=echo|sink|source:N|manual [rcvbuf=][sndbuf=][mss=][nodelay=]; connect IP PORT mode= ...;
 * send/recv/shut/close/rst/opt/info ID; conns */
#include "common.h"
#include <linux/sockios.h>
#define MAXN 65536
enum { ECHO, SINK, SOURCE, MANUAL };
struct c { int id, fd, mode; long rx, tx, left; uint32_t crc; struct src *w; uint8_t *pend; int pn, po, eof; };
struct l { int fd, port, mode; long src; struct words x; };
static struct c *cs[MAXN];
static int ncs;
static uint8_t buf[1 << 18];
static int pmode(const char *m, long *n)
{
	if (!strcmp(m, "echo")) return ECHO;
	if (!strcmp(m, "sink")) return SINK;
	if (!strncmp(m, "source:", 7)) { *n = atol(m + 7); return SOURCE; }
	return MANUAL;
}
static void opts(int fd, struct words *x)
{
	int v;
	if (kv(x, "rcvbuf", NULL)) { v = kvn(x, "rcvbuf", 0); setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &v, 4); }
	if (kv(x, "sndbuf", NULL)) { v = kvn(x, "sndbuf", 0); setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &v, 4); }
	if (kv(x, "mss", NULL)) { v = kvn(x, "mss", 0); setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &v, 4); }
	if (kv(x, "nodelay", NULL)) { v = kvn(x, "nodelay", 0); setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &v, 4); }
	if (kv(x, "keepalive", NULL)) { v = 1; setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &v, 4); v = kvn(x, "keepalive", 1); setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &v, 4); setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &v, 4); }
	if (kv(x, "user_timeout", NULL)) { v = kvn(x, "user_timeout", 0); setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &v, 4); }
	if (kv(x, "cc", NULL)) { const char *n = kv(x, "cc", ""); setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, n, strlen(n)); }
	if (kv(x, "lowat", NULL)) { v = kvn(x, "lowat", 0); setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &v, 4); }
}
static void drop(struct c *c, const char *why)
{
	ev("conn=%d closed (%s) rx=%ld tx=%ld crc=%08x", c->id, why, c->rx, c->tx, c->crc);
	unwatch(c->w);
	close(c->fd);
	c->fd = -1;
}
static void io(struct src *s, uint32_t e)
{
	struct c *c = s->p;
	if (c->mode == MANUAL) {
		int err = 0; socklen_t l = 4;
		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &l);
		ev("conn=%d ev=%s so_error=%s", c->id, evnames(e), en(err));
		return;
	}
	if (e & EPOLLOUT) {
		if (c->mode == ECHO && c->pn) {
			int r = send(c->fd, c->pend + c->po, c->pn - c->po, MSG_DONTWAIT | MSG_NOSIGNAL);
			if (r < 0 && errno != EAGAIN) { drop(c, en(errno)); return; }
			if (r > 0) { c->po += r; c->tx += r; }
			if (c->po == c->pn) { free(c->pend); c->pend = NULL; c->pn = c->po = 0; rewatch(c->w, EPOLLIN); }
			return;
		}
		while (c->mode == SOURCE && c->left > 0) {
			int n = c->left < (long)sizeof buf ? c->left : (long)sizeof buf;
			for (int i = 0; i < n; i++) buf[i] = (c->tx + i) * 7;
			int r = send(c->fd, buf, n, MSG_DONTWAIT | MSG_NOSIGNAL);
			if (r < 0) { if (errno == EAGAIN) return; drop(c, en(errno)); return; }
			c->tx += r; c->left -= r;
			if (!c->left) { ev("conn=%d source done", c->id); shutdown(c->fd, SHUT_WR); c->mode = SINK; rewatch(c->w, EPOLLIN); }
		}
		if (c->mode == SOURCE) return;
	}
	if (!(e & ~EPOLLOUT)) return;
	int r = recv(c->fd, buf, sizeof buf, MSG_DONTWAIT);
	if (r < 0) { if (errno != EAGAIN) drop(c, en(errno)); return; }
	if (r == 0) { drop(c, "eof"); return; }
	c->rx += r;
	c->crc = crc32z(buf, r, c->crc);
	if (c->mode == ECHO) {
		int w = send(c->fd, buf, r, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (w < 0) { if (errno != EAGAIN) { drop(c, en(errno)); return; } w = 0; }
		c->tx += w;
		if (w < r) { c->pend = malloc(r - w); memcpy(c->pend, buf + w, r - w); c->pn = r - w; c->po = 0; rewatch(c->w, EPOLLOUT); }
	}
}
static struct c *add(int fd, int mode, long src)
{
	if (ncs >= MAXN) { close(fd); return NULL; }
	struct c *c = calloc(1, sizeof *c);
	c->id = ncs; c->fd = fd; c->mode = mode; c->left = src;
	cs[ncs++] = c;
	c->w = watch(fd, mode == MANUAL ? EPOLLIN | EPOLLRDHUP | EPOLLET : mode == SOURCE ? EPOLLIN | EPOLLOUT : EPOLLIN, io, c, 0);
	return c;
}
static void acc(struct src *s, uint32_t e)
{
	struct l *l = s->p;
	(void)e;
	struct sockaddr_in a; socklen_t al = sizeof a;
	int f = accept4(l->fd, (void *)&a, &al, SOCK_CLOEXEC);
	if (f < 0) return;
	struct c *c = add(f, l->mode, l->src);
	if (c) ev("port=%d accept conn=%d from %s:%d", l->port, c->id, inet_ntoa(a.sin_addr), ntohs(a.sin_port));
}
static void command(FILE *o, struct words *x, char *line)
{
	(void)line;
	const char *c0 = x->w[0];
	long n = 0;
	if (!strcmp(c0, "listen") && x->n > 1) {
		int err = 0;
		struct l *l = calloc(1, sizeof *l);
		l->port = atoi(x->w[1]);
		l->mode = pmode(kv(x, "mode", "echo"), &l->src);
		l->fd = tcp_listen(l->port, &err);
		if (l->fd < 0) { fprintf(o, "ERR %s\n", en(err)); return; }
		opts(l->fd, x);
		watch(l->fd, EPOLLIN, acc, l, 0);
		fprintf(o, "ok\n");
		return;
	}
	if (!strcmp(c0, "connect") && x->n > 2) {
		int f = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(atoi(x->w[2])), .sin_addr.s_addr = inet_addr(x->w[1]) };
		int mode = pmode(kv(x, "mode", "manual"), &n);
		opts(f, x);
		if (connect(f, (void *)&a, sizeof a) < 0) { fprintf(o, "ERR %s\n", en(errno)); close(f); return; }
		struct c *c = add(f, mode, n);
		fprintf(o, "ok %d\n", c->id);
		return;
	}
	if (!strcmp(c0, "conns")) {
		for (int i = 0; i < ncs; i++) if (cs[i]->fd >= 0) fprintf(o, "conn %d mode=%d rx=%ld tx=%ld crc=%08x\n", i, cs[i]->mode, cs[i]->rx, cs[i]->tx, cs[i]->crc);
		return;
	}
	int id = x->n > 1 ? atoi(x->w[1]) : -1;
	if (id < 0 || id >= ncs || cs[id]->fd < 0) { fprintf(o, "ERR no such conn\n"); return; }
	struct c *c = cs[id];
	if (!strcmp(c0, "send")) { /* send ID data=|len= [chunk=N gap=us] */
		int k; uint8_t *d = kvdata(x, &k);
		if (k < 0) { fprintf(o, "ERR data\n"); return; }
		int ch = kvn(x, "chunk", k), gap = kvn(x, "gap", 0), p = 0, r = 0;
		while (p < k && ch > 0) {
			int m = k - p < ch ? k - p : ch;
			r = send(c->fd, d + p, m, MSG_NOSIGNAL | (has(x, "nowait") ? MSG_DONTWAIT : 0) | (has(x, "oob") ? MSG_OOB : 0));
			if (r < 0) break;
			p += r;
			if (gap) usleep(gap);
		}
		c->tx += p;
		/* waits until nothing is held back: with small segments the congestion window is full until a delayed acknowledgement */
		for (int q = 0, i = 0; has(x, "settle") && i < 2000 && !ioctl(c->fd, SIOCOUTQNSD, &q) && q > 0; i++) usleep(1000);
		if (r < 0) fprintf(o, "ERR %s after %d\n", en(errno), p); else fprintf(o, "ok %d\n", p);
		free(d);
	} else if (!strcmp(c0, "recv")) { /* recv ID n= timeout= show= */
		int want = kvn(x, "n", 65536), to = kvn(x, "timeout", 0), got = 0, r = 1;
		uint8_t *d = malloc(want + 1);
		double end = now_ms() + to;
		while (got < want) {
			struct pollfd p = { c->fd, POLLIN, 0 };
			int left = end - now_ms();
			poll(&p, 1, left > 0 ? left : 0);
			r = recv(c->fd, d + got, want - got, MSG_DONTWAIT);
			if (r <= 0) break;
			got += r;
		}
		c->rx += got;
		fprintf(o, "ok %d crc=%08x end=%s ", got, crc32z(d, got, 0), r == 0 ? "eof" : r < 0 ? en(errno) : "full");
		puthex(o, d, got, kvn(x, "show", 64));
		fputs("\n", o);
		free(d);
	} else if (!strcmp(c0, "shut")) fprintf(o, "%s\n", shutdown(c->fd, kvn(x, "how", 1)) < 0 ? en(errno) : "ok");
	else if (!strcmp(c0, "close")) { drop(c, "asked"); fprintf(o, "ok\n"); }
	else if (!strcmp(c0, "rst")) { struct linger lg = { 1, 0 }; setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &lg, sizeof lg); drop(c, "rst asked"); fprintf(o, "ok\n"); }
	else if (!strcmp(c0, "opt")) { opts(c->fd, x); fprintf(o, "ok\n"); }
	else if (!strcmp(c0, "info")) {
		struct tcp_info t = { 0 }; socklen_t l = sizeof t; int q = 0, oq = 0;
		getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &t, &l);
		ioctl(c->fd, SIOCINQ, &q); ioctl(c->fd, SIOCOUTQ, &oq);
		fprintf(o, "state=%s mss=%u/%u rtt_us=%u rttvar=%u rto_us=%u cwnd=%u ssthresh=%u unacked=%u retrans=%u total_retrans=%u lost=%u sacked=%u opts=%x wscale=%u/%u rcv_space=%u inq=%d outq=%d rx=%ld tx=%ld crc=%08x\n", tcpstate(t.tcpi_state), t.tcpi_snd_mss, t.tcpi_rcv_mss, t.tcpi_rtt, t.tcpi_rttvar, t.tcpi_rto, t.tcpi_snd_cwnd, t.tcpi_snd_ssthresh, t.tcpi_unacked, t.tcpi_retrans, t.tcpi_total_retrans, t.tcpi_lost, t.tcpi_sacked, t.tcpi_options, t.tcpi_snd_wscale, t.tcpi_rcv_wscale, t.tcpi_rcv_space, q, oq, c->rx, c->tx, c->crc);
	} else fprintf(o, "ERR unknown\n");
}
int main(int c, char **v) { yield_to_all(); loop(c > 1 ? atoi(v[1]) : 7004); }
