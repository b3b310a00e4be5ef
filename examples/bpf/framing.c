/*
 * A parser for KCM, in the kernel or in leat: says where the message ends that begins at offset 0.
 *
 *     clang -O2 -g -target bpf -mcpu=v3 -c framing.c -o framing.o
 */
#include "kcm_bpf.h"
char _license[] SEC("license") = "GPL";

/* Header: magic 'L' 'T', type, flags, then the length of the body as 32 bits in network order. */
#define HEADER 8
#define MAGIC 0x4c54

const volatile u32 max_body = 1 << 20; /* set before the program is loaded, constant from then on */
u64 messages;                          /* read and written while it runs */
u64 by_type[4];

SEC("socket")
int rpc(struct skb_ctx *skb)
{
	/* Loads outside of what has come end the program with 0: more is needed. */
	u32 magic = load_half(skb, 0);
	u32 body = load_word(skb, 4);

	if (magic != MAGIC || body > max_body)
		return BAD;
	__sync_fetch_and_add(&messages, 1);
	by_type[load_byte(skb, 2) & 3] += 1;
	return HEADER + body;
}

/* Type and length, 7 bits of the length in a byte, as in MQTT. */
SEC("socket")
int tlv(struct skb_ctx *skb)
{
	u32 length = 0;

	for (int i = 0; i < 4; i++) {
		u32 byte = load_byte(skb, 1 + i);

		length |= (byte & 127) << 7 * i;
		if (byte < 128)
			return 2 + i + length;
	}
	return BAD;
}
