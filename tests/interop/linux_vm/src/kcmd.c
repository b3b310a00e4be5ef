/* kcmd: AF_KCM test server. TCP listener -> attach accepted connections to a
 * KCM multiplexor with an eBPF length parser; N KCM sockets; echo/sink/hold.
 * See ../README.md for the control protocol. */
#include "common.h"
#include <linux/bpf.h>
#include <linux/kcm.h>
#include <linux/sockios.h>
#ifndef AF_KCM
#define AF_KCM 41
#endif
#ifndef SOL_KCM
#define SOL_KCM 281
#endif
#define MAXK 64
#define MAXC 256
#define BUFSZ (4 << 20)

static uint8_t *big;

/* ---------- raw eBPF ---------- */
struct prog { struct bpf_insn i[256]; int n; };
static void I(struct prog *p, int code, int d, int s, int off, int imm)
{
	p->i[p->n++] = (struct bpf_insn){ .code = code, .dst_reg = d, .src_reg = s, .off = off, .imm = imm };
}
#define SKB_CB_STRP_OFFSET 68 /* &skb->cb[28] on 6.1 x86-64: where the parser keeps the offset of the message in the skb */

/* offmode: naive = bytes from the start of the skb data; probe = add the
 * parser's own offset, read with bpf_probe_read_kernel; cb1 = __sk_buff.cb[1] */
static int build(struct prog *p, const char *frame, const char *off, const char *hex)
{
	p->n = 0;
	if (hex) {
		int n = unhex(hex, (uint8_t *)p->i, sizeof p->i);
		if (n <= 0 || n % 8) return -1;
		p->n = n / 8;
		return 0;
	}
	I(p, BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0); /* r6 = ctx */
	if (!strncmp(frame, "ret:", 4)) {
		I(p, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, atoi(frame + 4));
		I(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
		return 0;
	}
	if (!strcmp(frame, "skblen")) { /* the whole skb is a message */
		I(p, BPF_LDX | BPF_MEM | BPF_W, 0, 6, offsetof(struct __sk_buff, len), 0);
		I(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
		return 0;
	}
	if (!strcmp(off, "probe")) {
		I(p, BPF_ST | BPF_MEM | BPF_DW, 10, 0, -8, 0);
		I(p, BPF_ALU64 | BPF_MOV | BPF_X, 1, 10, 0, 0);
		I(p, BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0, -8);
		I(p, BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, 4);
		I(p, BPF_ALU64 | BPF_MOV | BPF_X, 3, 6, 0, 0);
		I(p, BPF_ALU64 | BPF_ADD | BPF_K, 3, 0, 0, SKB_CB_STRP_OFFSET);
		I(p, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_probe_read_kernel);
		I(p, BPF_LDX | BPF_MEM | BPF_W, 7, 10, -8, 0);
	} else if (!strcmp(off, "cb1"))
		I(p, BPF_LDX | BPF_MEM | BPF_W, 7, 6, offsetof(struct __sk_buff, cb[1]), 0);
	else if (!strcmp(off, "naive"))
		I(p, BPF_ALU64 | BPF_MOV | BPF_K, 7, 0, 0, 0);
	else
		return -1;
	if (!strcmp(frame, "be16")) { /* length excludes the 2-byte header */
		I(p, BPF_LD | BPF_IND | BPF_H, 0, 7, 0, 0);
		I(p, BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 0, 2);
	} else if (!strcmp(frame, "be32")) { /* length includes the 4-byte header; returned as it is (signed) */
		I(p, BPF_LD | BPF_IND | BPF_W, 0, 7, 0, 0);
	} else if (!strcmp(frame, "h2")) { /* 24-bit length + 9 */
		I(p, BPF_LD | BPF_IND | BPF_W, 0, 7, 0, 0);
		I(p, BPF_ALU | BPF_RSH | BPF_K, 0, 0, 0, 8);
		I(p, BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 0, 9);
	} else
		return -1;
	I(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	return 0;
}

static int load(struct prog *p, char *vlog, int vsz)
{
	union bpf_attr a;
	memset(&a, 0, sizeof a);
	a.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
	a.insns = (uintptr_t)p->i;
	a.insn_cnt = p->n;
	a.license = (uintptr_t)"GPL"; /* probe_read_kernel is offered to GPL-declared programs only */
	if (vlog) { a.log_buf = (uintptr_t)vlog; a.log_size = vsz; a.log_level = 1; vlog[0] = 0; }
	return syscall(SYS_bpf, BPF_PROG_LOAD, &a, sizeof a);
}

/* ---------- instances ---------- */
enum { ECHO, SINK, HOLD };
struct inst;
struct conn { struct inst *in; int id, fd, attached; struct src *w; };
struct ks { struct inst *in; int i, fd; long rx, rxb, tx; struct src *w; };
struct inst {
	struct inst *next;
	char name[32], frame[32], off[16];
	int port, lfd, seq, mode, prog, nk, nc, manual, rcvbuf, sndbuf, rcvtimeo, auto_un, delay_ms, bufsz, verbose, blind;
	struct src *lw;
	struct ks *k[MAXK];
	struct conn *c[MAXC];
};
static struct inst *insts;

static struct inst *find(const char *n)
{
	for (struct inst *i = insts; i; i = i->next)
		if (!strcmp(i->name, n)) return i;
	return NULL;
}

/* some KCM socket that is open, for what concerns the multiplexor */
static int anyk(struct inst *in)
{
	for (int i = 0; i < in->nk; i++)
		if (in->k[i]->fd >= 0) return in->k[i]->fd;
	return -1;
}

static int soerr(int fd)
{
	int e = 0;
	socklen_t l = sizeof e;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &l) < 0) return errno;
	return e;
}

static int tstate(int fd)
{
	struct tcp_info ti = { 0 };
	socklen_t l = sizeof ti;
	getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &l);
	return ti.tcpi_state;
}

static void tcp_ev(struct src *s, uint32_t e)
{
	struct conn *c = s->p;
	int err = soerr(c->fd), q = -1;
	ioctl(c->fd, SIOCINQ, &q);
	ev("tcp %s conn=%d ev=%s so_error=%s state=%s inq=%d", c->in->name, c->id, evnames(e), en(err), tcpstate(tstate(c->fd)), q);
	if (c->in->auto_un && c->attached && (err || e & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))) {
		struct kcm_unattach u = { .fd = c->fd };
		int r = ioctl(anyk(c->in), SIOCKCMUNATTACH, &u);
		ev("tcp %s conn=%d unattach %s", c->in->name, c->id, r < 0 ? en(errno) : "ok");
		c->attached = 0;
		if (c->in->auto_un > 1) { unwatch(c->w); close(c->fd); c->fd = -1; ev("tcp %s conn=%d closed", c->in->name, c->id); }
	}
}

static int attach(struct inst *in, struct conn *c)
{
	struct kcm_attach a = { .fd = c->fd, .bpf_fd = in->prog };
	int r = ioctl(anyk(in), SIOCKCMATTACH, &a);
	int e = r < 0 ? errno : 0;
	if (!r) c->attached = 1;
	ev("tcp %s conn=%d attach %s", in->name, c->id, en(e));
	return e;
}

static void on_accept(struct src *s, uint32_t e)
{
	struct inst *in = s->p;
	(void)e;
	struct sockaddr_in a;
	socklen_t l = sizeof a;
	int f = accept4(in->lfd, (void *)&a, &l, SOCK_CLOEXEC), one = 1;
	if (f < 0) return;
	setsockopt(f, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (in->rcvtimeo) {
		struct timeval tv = { in->rcvtimeo / 1000, in->rcvtimeo % 1000 * 1000 };
		setsockopt(f, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	}
	int id = in->nc;
	if (id >= MAXC) { close(f); return; }
	struct conn *c = calloc(1, sizeof *c);
	c->in = in; c->id = id; c->fd = f;
	in->c[id] = c;
	in->nc++;
	int rb; l = sizeof rb;
	getsockopt(f, SOL_SOCKET, SO_RCVBUF, &rb, &l);
	ev("tcp %s conn=%d accept from %s:%d rcvbuf=%d", in->name, id, inet_ntoa(a.sin_addr), ntohs(a.sin_port), rb);
	if (!in->manual) attach(in, c);
	if (!in->blind) c->w = watch(f, EPOLLIN | EPOLLRDHUP | EPOLLET, tcp_ev, c, 0);
}

static void showmsg(const char *what, struct ks *k, int r, int flags, const char *extra)
{
	char hx[64];
	int m = r < 12 ? r : 12;
	for (int i = 0; i < m; i++) sprintf(hx + 2 * i, "%02x", big[i]);
	hx[m > 0 ? 2 * m : 0] = 0;
	ev("%s %s kcm=%d len=%d flags=%s crc=%08x head=%s%s", what, k->in->name, k->i, r, msgflags(flags), crc32z(big, r, 0), hx, extra);
}

static void on_kcm(struct src *s, uint32_t e)
{
	struct ks *k = s->p;
	struct inst *in = k->in;
	if (in->mode == HOLD) {
		ev("kcm %s kcm=%d ev=%s", in->name, k->i, evnames(e));
		return;
	}
	for (int burst = 0; burst < 1; burst++) {
		struct iovec v = { big, in->bufsz };
		struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
		int r = recvmsg(k->fd, &m, MSG_DONTWAIT);
		if (r < 0) {
			if (errno != EAGAIN) ev("kcm %s kcm=%d recv error %s ev=%s", in->name, k->i, en(errno), evnames(e));
			else if (e & ~EPOLLIN) {
				ev("kcm %s kcm=%d ev=%s so_error=%s", in->name, k->i, evnames(e), en(soerr(k->fd)));
				rewatch(k->w, EPOLLIN | EPOLLET);
			}
			return;
		}
		k->rx++;
		k->rxb += r;
		if (in->verbose) showmsg("msg", k, r, m.msg_flags, "");
		if (r == 0) { rewatch(k->w, EPOLLIN | EPOLLET); return; }
		if (in->delay_ms) usleep(in->delay_ms * 1000);
		if (in->mode == ECHO) {
			int fl = MSG_NOSIGNAL | (in->seq ? MSG_EOR : 0);
			int w = send(k->fd, big, r, fl);
			if (w != r) ev("kcm %s kcm=%d send %d -> %d %s", in->name, k->i, r, w, w < 0 ? en(errno) : "short");
			else k->tx++;
		}
	}
}

static int add_kcm(struct inst *in, int fd)
{
	struct ks *k = calloc(1, sizeof *k);
	k->in = in; k->i = in->nk; k->fd = fd;
	in->k[in->nk++] = k;
	k->w = watch(fd, in->mode == HOLD ? EPOLLIN | EPOLLET : EPOLLIN, on_kcm, k, 0);
	return k->i;
}

static void cat(FILE *o, const char *p)
{
	char b[8192];
	int f = open(p, O_RDONLY), n;
	if (f < 0) { fprintf(o, "ERR %s: %s\n", p, en(errno)); return; }
	while ((n = read(f, b, sizeof b)) > 0) fwrite(b, 1, n, o);
	close(f);
}

#define NEEDI struct inst *in = x->n > 1 ? find(x->w[1]) : NULL; if (!in) { fprintf(o, "ERR no such instance\n"); return; }
#define NEEDK int ki = x->n > 2 ? atoi(x->w[2]) : -1; if (ki < 0 || ki >= in->nk || !in->k[ki] || in->k[ki]->fd < 0) { fprintf(o, "ERR no such kcm\n"); return; } struct ks *k = in->k[ki];
#define NEEDC int ci = x->n > 2 ? atoi(x->w[2]) : -1; if (ci < 0 || ci >= in->nc || in->c[ci]->fd < 0) { fprintf(o, "ERR no such conn\n"); return; } struct conn *c = in->c[ci];

static void res(FILE *o, long r)
{
	if (r < 0) fprintf(o, "ERR %s\n", en(errno));
	else fprintf(o, "ok %ld\n", r);
}

static void command(FILE *o, struct words *x, char *line)
{
	const char *c0 = x->w[0];
	(void)line;
	if (!strcmp(c0, "kcm")) { cat(o, "/proc/net/kcm"); return; }
	if (!strcmp(c0, "stats")) { cat(o, "/proc/net/kcm_stats"); return; }
	if (!strcmp(c0, "new")) { /* new NAME port= frame= off= type= n= mode= rcvbuf= sndbuf= rcvtimeo= manual autoun= bpf= */
		if (x->n < 2 || find(x->w[1])) { fprintf(o, "ERR name\n"); return; }
		struct inst *in = calloc(1, sizeof *in);
		snprintf(in->name, sizeof in->name, "%s", x->w[1]);
		snprintf(in->frame, sizeof in->frame, "%s", kv(x, "frame", "be16"));
		snprintf(in->off, sizeof in->off, "%s", kv(x, "off", "probe"));
		in->port = kvn(x, "port", 7100);
		in->seq = !strncmp(kv(x, "type", "dgram"), "seq", 3);
		const char *m = kv(x, "mode", "echo");
		in->mode = m[0] == 'e' ? ECHO : m[0] == 's' ? SINK : HOLD;
		in->rcvbuf = kvn(x, "rcvbuf", 0);
		in->sndbuf = kvn(x, "sndbuf", 0);
		in->rcvtimeo = kvn(x, "rcvtimeo", 0);
		in->auto_un = kvn(x, "autoun", 0);
		in->delay_ms = kvn(x, "delay", 0);
		in->bufsz = kvn(x, "buf", BUFSZ);
		in->verbose = kvn(x, "verbose", 1);
		in->manual = has(x, "manual");
		in->blind = has(x, "blind"); /* nobody reads SO_ERROR, which clears it, but cerr */
		static struct prog p;
		static char vlog[65536];
		if (build(&p, in->frame, in->off, kv(x, "bpf", NULL))) { fprintf(o, "ERR frame/off\n"); free(in); return; }
		in->prog = load(&p, vlog, sizeof vlog);
		if (in->prog < 0) { fprintf(o, "ERR bpf %s\n%s\n", en(errno), vlog); free(in); return; }
		int err = 0;
		in->lfd = tcp_listen(in->port, &err);
		if (in->lfd < 0) { fprintf(o, "ERR listen %s\n", en(err)); close(in->prog); free(in); return; }
		if (in->rcvbuf) setsockopt(in->lfd, SOL_SOCKET, SO_RCVBUF, &in->rcvbuf, sizeof(int));
		if (in->sndbuf) setsockopt(in->lfd, SOL_SOCKET, SO_SNDBUF, &in->sndbuf, sizeof(int));
		int f = socket(AF_KCM, in->seq ? SOCK_SEQPACKET : SOCK_DGRAM, KCMPROTO_CONNECTED);
		if (f < 0) { fprintf(o, "ERR socket %s\n", en(errno)); close(in->prog); close(in->lfd); free(in); return; }
		int krb = kvn(x, "krcvbuf", 0), ksb = kvn(x, "ksndbuf", 0);
		if (krb) setsockopt(f, SOL_SOCKET, SO_RCVBUF, &krb, sizeof krb);
		if (ksb) setsockopt(f, SOL_SOCKET, SO_SNDBUF, &ksb, sizeof ksb);
		add_kcm(in, f);
		for (int i = 1, n = kvn(x, "n", 1); i < n && i < MAXK; i++) {
			struct kcm_clone cl = { -1 };
			if (ioctl(f, SIOCKCMCLONE, &cl) < 0) { fprintf(o, "clone %d ERR %s\n", i, en(errno)); break; }
			if (krb) setsockopt(cl.fd, SOL_SOCKET, SO_RCVBUF, &krb, sizeof krb);
			if (ksb) setsockopt(cl.fd, SOL_SOCKET, SO_SNDBUF, &ksb, sizeof ksb);
			add_kcm(in, cl.fd);
		}
		in->lw = watch(in->lfd, EPOLLIN, on_accept, in, 0);
		in->next = insts;
		insts = in;
		int rb; socklen_t l = sizeof rb;
		getsockopt(f, SOL_SOCKET, SO_RCVBUF, &rb, &l);
		fprintf(o, "ok port=%d kcms=%d insns=%d kcm_rcvbuf=%d\n", in->port, in->nk, p.n, rb);
		return;
	}
	if (!strcmp(c0, "api")) { /* API error probes, no instance needed */
		int t[][3] = { { SOCK_DGRAM, 0, 0 }, { SOCK_SEQPACKET, 0, 0 }, { SOCK_STREAM, 0, 0 }, { SOCK_RAW, 0, 0 }, { SOCK_DGRAM, 1, 0 }, { SOCK_SEQPACKET, 5, 0 } };
		const char *nm[] = { "DGRAM/0", "SEQPACKET/0", "STREAM/0", "RAW/0", "DGRAM/1", "SEQPACKET/5" };
		for (int i = 0; i < 6; i++) {
			int f = socket(AF_KCM, t[i][0], t[i][1]);
			fprintf(o, "socket %s: %s\n", nm[i], f < 0 ? en(errno) : "ok");
			if (f >= 0) close(f);
		}
		int sp[2];
		fprintf(o, "socketpair: %s\n", socketpair(AF_KCM, SOCK_DGRAM, 0, sp) < 0 ? en(errno) : "ok");
		int k = socket(AF_KCM, SOCK_DGRAM, 0), k2 = socket(AF_KCM, SOCK_DGRAM, 0), u = socket(AF_INET, SOCK_DGRAM, 0), t1 = socket(AF_INET, SOCK_STREAM, 0);
		struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(7001) };
		struct sockaddr_storage ss; socklen_t sl;
#define T(name, call) do { errno = 0; long r_ = (call); int e_ = errno; fprintf(o, "%s: %ld %s\n", name, r_, r_ < 0 ? en(e_) : "ok"); } while (0)
		T("bind", bind(k, (void *)&a, sizeof a));
		T("connect", connect(k, (void *)&a, sizeof a));
		T("listen", listen(k, 1));
		T("accept", accept(k, NULL, NULL));
		sl = sizeof ss; T("getsockname", getsockname(k, (void *)&ss, &sl));
		sl = sizeof ss; T("getpeername", getpeername(k, (void *)&ss, &sl));
		T("shutdown RD", shutdown(k, SHUT_RD));
		T("shutdown WR", shutdown(k, SHUT_WR));
		int v = 1; socklen_t vl = sizeof v;
		T("getsockopt SOL_KCM RECV_DISABLE", getsockopt(k, SOL_KCM, KCM_RECV_DISABLE, &v, &vl)); fprintf(o, "  value=%d len=%d\n", v, vl);
		v = 1; T("setsockopt SOL_KCM RECV_DISABLE 1", setsockopt(k, SOL_KCM, KCM_RECV_DISABLE, &v, 4));
		vl = 4; T("getsockopt SOL_KCM RECV_DISABLE", getsockopt(k, SOL_KCM, KCM_RECV_DISABLE, &v, &vl)); fprintf(o, "  value=%d len=%d\n", v, vl);
		v = 7; T("setsockopt SOL_KCM RECV_DISABLE 7", setsockopt(k, SOL_KCM, KCM_RECV_DISABLE, &v, 4));
		vl = 4; T("getsockopt SOL_KCM RECV_DISABLE", getsockopt(k, SOL_KCM, KCM_RECV_DISABLE, &v, &vl)); fprintf(o, "  value=%d len=%d\n", v, vl);
		v = 0; T("setsockopt SOL_KCM RECV_DISABLE 0", setsockopt(k, SOL_KCM, KCM_RECV_DISABLE, &v, 4));
		T("setsockopt SOL_KCM RECV_DISABLE len 2", setsockopt(k, SOL_KCM, KCM_RECV_DISABLE, &v, 2));
		T("setsockopt SOL_KCM opt 99", setsockopt(k, SOL_KCM, 99, &v, 4));
		vl = 4; T("getsockopt SOL_KCM opt 99", getsockopt(k, SOL_KCM, 99, &v, &vl));
		T("setsockopt SOL_TCP", setsockopt(k, IPPROTO_TCP, 1, &v, 4));
		vl = 4; T("getsockopt SOL_TCP", getsockopt(k, IPPROTO_TCP, 1, &v, &vl));
		int opts[] = { SO_RCVBUF, SO_SNDBUF, SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_ERROR, SO_ACCEPTCONN, SO_RCVLOWAT };
		const char *on[] = { "SO_RCVBUF", "SO_SNDBUF", "SO_TYPE", "SO_DOMAIN", "SO_PROTOCOL", "SO_ERROR", "SO_ACCEPTCONN", "SO_RCVLOWAT" };
		for (int i = 0; i < 8; i++) { vl = 4; v = -1; getsockopt(k, SOL_SOCKET, opts[i], &v, &vl); fprintf(o, "%s = %d\n", on[i], v); }
		T("FIONREAD", ioctl(k, FIONREAD, &v));
		T("SIOCOUTQ", ioctl(k, SIOCOUTQ, &v));
		T("ioctl bogus SIOCPROTOPRIVATE+9", ioctl(k, SIOCPROTOPRIVATE + 9, &v));
		char b[4] = "abc";
		T("recv DONTWAIT, empty", recv(k, b, 4, MSG_DONTWAIT));
		T("recv OOB", recv(k, b, 4, MSG_DONTWAIT | MSG_OOB));
		T("recv ERRQUEUE", recv(k, b, 4, MSG_DONTWAIT | MSG_ERRQUEUE));
		T("sendto with an address", sendto(k, b, 3, MSG_DONTWAIT, (void *)&a, sizeof a));
		T("send OOB", send(k2, b, 3, MSG_DONTWAIT | MSG_OOB));
		T("send 0 bytes", send(k2, b, 0, MSG_DONTWAIT));
		T("read 0 bytes", read(k2, b, 0));
		struct pollfd pf = { k, POLLIN | POLLOUT | POLLRDHUP, 0 };
		T("poll", poll(&pf, 1, 0)); fprintf(o, "  revents=0x%x\n", pf.revents);
		static struct prog p;
		build(&p, "be16", "naive", NULL);
		int pr = load(&p, NULL, 0);
		struct kcm_attach at = { .fd = u, .bpf_fd = pr };
		T("attach UDP socket", ioctl(k, SIOCKCMATTACH, &at));
		at.fd = k2; T("attach KCM socket", ioctl(k, SIOCKCMATTACH, &at));
		at.fd = t1; T("attach unconnected TCP", ioctl(k, SIOCKCMATTACH, &at));
		at.fd = 0; T("attach fd 0 (no socket)", ioctl(k, SIOCKCMATTACH, &at));
		at.fd = 999; T("attach bad fd", ioctl(k, SIOCKCMATTACH, &at));
		int tl = socket(AF_INET, SOCK_STREAM, 0);
		struct sockaddr_in la = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		bind(tl, (void *)&la, sizeof la); listen(tl, 5);
		at.fd = tl; T("attach listening TCP", ioctl(k, SIOCKCMATTACH, &at));
		sl = sizeof la; getsockname(tl, (void *)&la, &sl);
		T("(connect)", connect(t1, (void *)&la, sizeof la));
		int t2 = accept(tl, NULL, NULL);
		at.fd = t1; at.bpf_fd = 999; T("attach, bad bpf fd", ioctl(k, SIOCKCMATTACH, &at));
		at.bpf_fd = u; T("attach, bpf fd is a socket", ioctl(k, SIOCKCMATTACH, &at));
		at.bpf_fd = pr; T("attach good", ioctl(k, SIOCKCMATTACH, &at));
		T("attach again same mux", ioctl(k, SIOCKCMATTACH, &at));
		T("attach again other mux", ioctl(k2, SIOCKCMATTACH, &at));
		struct kcm_unattach un = { .fd = t2 };
		T("unattach a never attached TCP", ioctl(k, SIOCKCMUNATTACH, &un));
		un.fd = t1; T("unattach via the wrong mux", ioctl(k2, SIOCKCMUNATTACH, &un));
		T("recv on attached TCP fd", recv(t1, b, 4, MSG_DONTWAIT));
		T("send on attached TCP fd", send(t1, b, 3, MSG_DONTWAIT));
		T("  peer reads it", recv(t2, b, 4, MSG_DONTWAIT));
		T("unattach good", ioctl(k, SIOCKCMUNATTACH, &un));
		T("unattach again", ioctl(k, SIOCKCMUNATTACH, &un));
		T("re-attach", ioctl(k, SIOCKCMATTACH, &at));
		T("unattach", ioctl(k, SIOCKCMUNATTACH, &un));
		shutdown(t2, SHUT_WR); usleep(100000);
		T("attach in CLOSE_WAIT", ioctl(k, SIOCKCMATTACH, &at));
		T("unattach", ioctl(k, SIOCKCMUNATTACH, &un));
		close(t2); 
		close(k); close(k2); close(u); close(t1); close(tl); close(pr);
		return;
	}
	NEEDI
	if (!strcmp(c0, "del")) {
		unwatch(in->lw);
		close(in->lfd);
		for (int i = 0; i < in->nk; i++) if (in->k[i]->fd >= 0) { unwatch(in->k[i]->w); close(in->k[i]->fd); }
		for (int i = 0; i < in->nc; i++) if (in->c[i]->fd >= 0) { unwatch(in->c[i]->w); close(in->c[i]->fd); }
		close(in->prog);
		for (struct inst **q = &insts; *q; q = &(*q)->next) if (*q == in) { *q = in->next; break; }
		fprintf(o, "ok\n");
	} else if (!strcmp(c0, "set")) {
		const char *m = kv(x, "mode", NULL);
		if (m) {
			in->mode = m[0] == 'e' ? ECHO : m[0] == 's' ? SINK : HOLD;
			for (int i = 0; i < in->nk; i++) if (in->k[i]->fd >= 0) rewatch(in->k[i]->w, in->mode == HOLD ? EPOLLIN | EPOLLET : EPOLLIN);
		}
		in->rcvtimeo = kvn(x, "rcvtimeo", in->rcvtimeo);
		in->auto_un = kvn(x, "autoun", in->auto_un);
		in->delay_ms = kvn(x, "delay", in->delay_ms);
		in->verbose = kvn(x, "verbose", in->verbose);
		in->manual = kvn(x, "manual", in->manual);
		fprintf(o, "ok\n");
	} else if (!strcmp(c0, "status")) {
		fprintf(o, "inst %s port=%d frame=%s off=%s type=%s mode=%d kcms=%d conns=%d\n", in->name, in->port, in->frame, in->off, in->seq ? "seqpacket" : "dgram", in->mode, in->nk, in->nc);
		for (int i = 0; i < in->nk; i++) {
			struct ks *k = in->k[i];
			if (k->fd < 0) { fprintf(o, "kcm %d closed rx=%ld\n", i, k->rx); continue; }
			struct pollfd pf = { k->fd, POLLIN | POLLOUT | POLLRDHUP, 0 };
			poll(&pf, 1, 0);
			fprintf(o, "kcm %d rx=%ld rxbytes=%ld tx=%ld poll=%s so_error=%s\n", i, k->rx, k->rxb, k->tx, evnames(pf.revents), en(soerr(k->fd)));
		}
		for (int i = 0; i < in->nc; i++) {
			struct conn *c = in->c[i];
			if (c->fd < 0) { fprintf(o, "conn %d closed\n", i); continue; }
			struct pollfd pf = { c->fd, POLLIN | POLLOUT | POLLRDHUP, 0 };
			int q = -1, oq = -1;
			poll(&pf, 1, 0);
			ioctl(c->fd, SIOCINQ, &q); ioctl(c->fd, SIOCOUTQ, &oq);
			fprintf(o, "conn %d attached=%d poll=%s so_error=%s state=%s inq=%d outq=%d\n", i, c->attached, evnames(pf.revents), en(soerr(c->fd)), tcpstate(tstate(c->fd)), q, oq);
		}
	} else if (!strcmp(c0, "clone")) {
		struct kcm_clone cl = { -1 };
		int from = x->n > 2 ? atoi(x->w[2]) : 0;
		if (ioctl(in->k[from]->fd, SIOCKCMCLONE, &cl) < 0) fprintf(o, "ERR %s\n", en(errno));
		else fprintf(o, "ok %d\n", add_kcm(in, cl.fd));
	} else if (!strcmp(c0, "attach")) { NEEDC fprintf(o, "%s\n", en(attach(in, c)));
	} else if (!strcmp(c0, "unattach")) { NEEDC
		struct kcm_unattach u = { .fd = c->fd };
		int r = ioctl(anyk(in), SIOCKCMUNATTACH, &u);
		if (!r) c->attached = 0;
		res(o, r);
	} else if (!strcmp(c0, "cclose")) { NEEDC unwatch(c->w); res(o, close(c->fd)); c->fd = -1;
	} else if (!strcmp(c0, "cshut")) { NEEDC res(o, shutdown(c->fd, kvn(x, "how", 1)));
	} else if (!strcmp(c0, "cerr")) { NEEDC fprintf(o, "%s\n", en(soerr(c->fd)));
	} else if (!strcmp(c0, "crecv")) { NEEDC
		int n = recv(c->fd, big, kvn(x, "n", 65536), MSG_DONTWAIT | (has(x, "peek") ? MSG_PEEK : 0));
		if (n < 0) fprintf(o, "ERR %s\n", en(errno));
		else { fprintf(o, "ok %d crc=%08x ", n, crc32z(big, n, 0)); puthex(o, big, n, kvn(x, "show", 64)); fputs("\n", o); }
	} else if (!strcmp(c0, "csend")) { NEEDC
		int n; uint8_t *d = kvdata(x, &n);
		res(o, send(c->fd, d, n, MSG_DONTWAIT | MSG_NOSIGNAL)); free(d);
	} else if (!strcmp(c0, "copt")) { NEEDC
		if (kv(x, "rcvbuf", NULL)) { int v = kvn(x, "rcvbuf", 0); res(o, setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &v, 4)); }
		if (kv(x, "sndbuf", NULL)) { int v = kvn(x, "sndbuf", 0); res(o, setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &v, 4)); }
		if (kv(x, "rcvtimeo", NULL)) { int v = kvn(x, "rcvtimeo", 0); struct timeval tv = { v / 1000, v % 1000 * 1000 }; res(o, setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv)); }
		if (kv(x, "rcvlowat", NULL)) { int v = kvn(x, "rcvlowat", 0); res(o, setsockopt(c->fd, SOL_SOCKET, SO_RCVLOWAT, &v, 4)); }
		int v; socklen_t l = 4; getsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &v, &l); fprintf(o, "rcvbuf=%d\n", v);
	} else if (!strcmp(c0, "kclose")) { NEEDK unwatch(k->w); res(o, close(k->fd)); k->fd = -1;
	} else if (!strcmp(c0, "rdis")) { NEEDK int v = kvn(x, "v", 1); res(o, setsockopt(k->fd, SOL_KCM, KCM_RECV_DISABLE, &v, 4));
	} else if (!strcmp(c0, "kopt")) { NEEDK
		if (kv(x, "rcvbuf", NULL)) { int v = kvn(x, "rcvbuf", 0); res(o, setsockopt(k->fd, SOL_SOCKET, SO_RCVBUF, &v, 4)); }
		if (kv(x, "sndbuf", NULL)) { int v = kvn(x, "sndbuf", 0); res(o, setsockopt(k->fd, SOL_SOCKET, SO_SNDBUF, &v, 4)); }
		int v; socklen_t l = 4; getsockopt(k->fd, SOL_SOCKET, SO_RCVBUF, &v, &l); fprintf(o, "rcvbuf=%d", v);
		l = 4; getsockopt(k->fd, SOL_SOCKET, SO_SNDBUF, &v, &l); fprintf(o, " sndbuf=%d\n", v);
	} else if (!strcmp(c0, "recv")) { NEEDK /* recv NAME KCM buf= [peek] [trunc] count= timeout=ms */
		int cnt = kvn(x, "count", 1), bl = kvn(x, "buf", BUFSZ), to = kvn(x, "timeout", 0);
		for (int i = 0; i < cnt; i++) {
			struct iovec v = { big, bl };
			struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
			if (to) { struct pollfd pf = { k->fd, POLLIN, 0 }; poll(&pf, 1, to); }
			int r = recvmsg(k->fd, &m, MSG_DONTWAIT | (has(x, "peek") ? MSG_PEEK : 0) | (has(x, "trunc") ? MSG_TRUNC : 0) | (has(x, "waitall") ? MSG_WAITALL : 0));
			if (r < 0) { fprintf(o, "ERR %s\n", en(errno)); break; }
			if (!has(x, "peek")) { k->rx++; k->rxb += r; }
			int show = r < bl ? r : bl;
			fprintf(o, "ok %d flags=%s crc=%08x ", r, msgflags(m.msg_flags), crc32z(big, show, 0));
			puthex(o, big, show, kvn(x, "show", 16));
			fputs("\n", o);
		}
	} else if (!strcmp(c0, "send")) { NEEDK /* send NAME KCM data=|len= [eor] [more] [batch] */
		int n; uint8_t *d = kvdata(x, &n);
		int fl = MSG_NOSIGNAL | (has(x, "wait") ? 0 : MSG_DONTWAIT) | (has(x, "eor") ? MSG_EOR : 0) | (has(x, "more") ? MSG_MORE : 0) | (has(x, "batch") ? 0x40000 : 0);
		if (n < 0) { fprintf(o, "ERR data\n"); return; }
		int cnt = kvn(x, "count", 1);
		for (int i = 0; i < cnt; i++) { int r = send(k->fd, d, n, fl); if (i == cnt - 1 || r < 0) res(o, r); if (r < 0) break; if (r == n) k->tx++; }
		free(d);
	} else
		fprintf(o, "ERR unknown command\n");
}

int main(int c, char **v)
{
	big = malloc(BUFSZ);
	yield_to_all();
	loop(c > 1 ? atoi(v[1]) : 7001);
}
