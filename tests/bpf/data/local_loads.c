// Packet loads in functions other than the entry. clang -O2 -g -target bpf -I ../../../examples/bpf -c local_loads.c
#include "kcm_bpf.h"

static __attribute__((noinline)) int as_int(struct skb_ctx *skb) { return load_byte(skb, 4); }
static __attribute__((noinline)) unsigned long as_long(struct skb_ctx *skb) { return load_byte(skb, 4); }
static __attribute__((noinline)) void as_void(struct skb_ctx *skb, int *to) { *to = load_byte(skb, 4); }

SEC("socket") int with_int(struct skb_ctx *skb) { return 100 + as_int(skb); }
SEC("socket") int with_long(struct skb_ctx *skb) { return 100 + as_long(skb); }
SEC("socket") int with_void(struct skb_ctx *skb) { int to = 1; as_void(skb, &to); return 100 + to; }
