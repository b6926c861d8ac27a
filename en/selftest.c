// SPDX-License-Identifier: GPL-2.0
/*
 * ethtool -t. The online part looks only; the offline part sends frames
 * through the port's loopback, over every send queue and around its ring.
 */
#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/netdevice.h>
#include <linux/wait.h>
#include <net/netdev_lock.h>

#include "en.h"
#include "ethtool.h"

#define TEST_HEARTBEAT_MS	300
#define TEST_INTERRUPT_MS	200
#define TEST_INTERRUPTS		3
#define TEST_LINK_MS		2000
#define TEST_FRAME_MS		2000

/*
 * Online. Each returns 0 or a positive number that tells what went wrong.
 */

static u64 test_registers(struct tulle_en_priv *priv)
{
	struct tulle_dev *tdev = priv->tdev;
	u32 version, state, beat, clock;

	if (tulle_reg_read(tdev, TULLE_REG_MAGIC) != TULLE_MAGIC)
		return 1;
	version = tulle_reg_read(tdev, TULLE_REG_IF_VERSION);
	if (FIELD_GET(TULLE_IF_VERSION_MAJOR, version) != TULLE_IF_MAJOR)
		return 2;
	state = tulle_reg_read(tdev, TULLE_REG_STATE);
	if (FIELD_GET(TULLE_STATE_STATE, state) != TULLE_STATE_READY)
		return 3;
	if (tulle_reg_read(tdev, TULLE_REG_SYNDROME) != TULLE_SYNDROME_NONE)
		return 4;

	beat = tulle_reg_read(tdev, TULLE_REG_HEARTBEAT);
	clock = tulle_reg_read(tdev, TULLE_REG_CLOCK_LO);
	msleep(TEST_HEARTBEAT_MS);
	if (tulle_reg_read(tdev, TULLE_REG_HEARTBEAT) == beat)
		return 5;
	if (tulle_reg_read(tdev, TULLE_REG_CLOCK_LO) == clock)
		return 6;
	return 0;
}

static u64 test_commands(struct tulle_en_priv *priv)
{
	struct tulle_dev *tdev = priv->tdev;
	struct tulle_caps *caps;
	unsigned int i;
	u64 ret = 0;

	if (tulle_cmd_exec(tdev, TULLE_CMD_NOP, NULL, 0, NULL, 0))
		return 1;

	caps = kzalloc_obj(*caps);
	if (!caps)
		return 2;
	if (tulle_cmd_exec(tdev, TULLE_CMD_QUERY_CAPS, NULL, 0, caps,
			   sizeof(*caps)))
		ret = 3;
	for (i = 0; !ret && i < TULLE_CAP_WORDS; i++)
		if (le64_to_cpu(caps->caps[i]) != tdev->caps[i])
			ret = 4;
	kfree(caps);
	return ret;
}

static bool test_interrupt_wait(struct tulle_en_priv *priv, u64 before)
{
	unsigned long end = jiffies + msecs_to_jiffies(TEST_INTERRUPT_MS);

	do {
		if (tulle_async_interrupts(priv->tdev) != before)
			return true;
		usleep_range(500, 1000);
	} while (time_before(jiffies, end));
	return tulle_async_interrupts(priv->tdev) != before;
}

/*
 * A command completes by an event, and the event arrives by an interrupt that
 * the driver takes. The watchdog may find the event first, so more than once.
 */
static u64 test_interrupt(struct tulle_en_priv *priv)
{
	unsigned int i;
	u64 before;

	for (i = 0; i < TEST_INTERRUPTS; i++) {
		before = tulle_async_interrupts(priv->tdev);
		if (tulle_cmd_exec(priv->tdev, TULLE_CMD_NOP, NULL, 0, NULL, 0))
			return 1;
		if (test_interrupt_wait(priv, before))
			return 0;
	}
	return 2;
}

static u64 test_link(struct tulle_en_priv *priv)
{
	struct tulle_port_info info;

	if (tulle_port_query(priv->tdev, &info))
		return 1;
	return info.link_up ? 0 : 2;
}

/*
 * Offline: loopback
 */

#define TEST_FRAME_MAGIC	0x54754c65U

/* Behind the Ethernet header; the rest of the frame counts up from queue. */
struct test_header {
	__be32 magic;
	__be32 queue;
	__be32 seq;
};

#define TEST_FRAME_LEN		256

struct test_loopback {
	struct packet_type pt;
	wait_queue_head_t wait;
	u32 queue;
	atomic_t good;
	atomic_t bad;
};

static void test_pattern(u8 *data, unsigned int len, u32 queue, u32 seq)
{
	unsigned int i;

	for (i = 0; i < len; i++)
		data[i] = queue + seq + i;
}

static bool test_frame_is_good(const struct sk_buff *skb, u32 queue)
{
	u8 want[TEST_FRAME_LEN - ETH_HLEN - sizeof(struct test_header)];
	u8 have[sizeof(want)];
	struct test_header hdr;

	if (skb->len != TEST_FRAME_LEN - ETH_HLEN ||
	    skb_copy_bits(skb, 0, &hdr, sizeof(hdr)) ||
	    skb_copy_bits(skb, sizeof(hdr), have, sizeof(have)))
		return false;
	if (hdr.magic != htonl(TEST_FRAME_MAGIC) ||
	    hdr.queue != htonl(queue))
		return false;
	test_pattern(want, sizeof(want), queue, ntohl(hdr.seq));
	return !memcmp(want, have, sizeof(want));
}

static int test_frame_rcv(struct sk_buff *skb, struct net_device *dev,
			  struct packet_type *pt, struct net_device *orig_dev)
{
	struct test_loopback *t = container_of(pt, struct test_loopback, pt);

	if (test_frame_is_good(skb, READ_ONCE(t->queue)))
		atomic_inc(&t->good);
	else
		atomic_inc(&t->bad);
	wake_up(&t->wait);
	consume_skb(skb);
	return NET_RX_SUCCESS;
}

static struct sk_buff *test_frame_build(struct net_device *dev, u32 queue,
					u32 seq)
{
	struct test_header *hdr;
	struct sk_buff *skb;
	struct ethhdr *eth;

	skb = netdev_alloc_skb(dev, TEST_FRAME_LEN);
	if (!skb)
		return NULL;
	skb_reset_mac_header(skb);
	eth = skb_put(skb, sizeof(*eth));
	ether_addr_copy(eth->h_dest, dev->dev_addr);
	ether_addr_copy(eth->h_source, dev->dev_addr);
	eth->h_proto = htons(ETH_P_LOOPBACK);
	hdr = skb_put(skb, sizeof(*hdr));
	hdr->magic = htonl(TEST_FRAME_MAGIC);
	hdr->queue = htonl(queue);
	hdr->seq = htonl(seq);
	test_pattern(skb_put(skb, TEST_FRAME_LEN - skb->len),
		     TEST_FRAME_LEN - sizeof(*eth) - sizeof(*hdr), queue, seq);
	skb->protocol = htons(ETH_P_LOOPBACK);
	skb_set_network_header(skb, sizeof(*eth));
	skb_set_queue_mapping(skb, queue);
	return skb;
}

/* A full ring is no error: its completions come. */
static int test_frame_send(struct net_device *dev, u32 queue, u32 seq)
{
	unsigned long end = jiffies + msecs_to_jiffies(TEST_FRAME_MS);
	struct sk_buff *skb;
	int ret;

	do {
		skb = test_frame_build(dev, queue, seq);
		if (!skb)
			return -ENOMEM;
		ret = dev_direct_xmit(skb, queue);
		if (ret != NETDEV_TX_BUSY)
			return net_xmit_eval(ret);
		usleep_range(50, 100);
	} while (time_before(jiffies, end));
	return -ETIMEDOUT;
}

/* Wait until all but a few of @sent frames are back, so that none overflows. */
static bool test_frames_wait(struct test_loopback *t, int sent, int behind)
{
	return wait_event_timeout(t->wait,
				  atomic_read(&t->good) >= sent - behind ||
				  atomic_read(&t->bad),
				  msecs_to_jiffies(TEST_FRAME_MS));
}

static u64 test_queue(struct tulle_en_priv *priv, struct test_loopback *t,
		      u32 queue, u32 frames)
{
	int i;

	WRITE_ONCE(t->queue, queue);
	atomic_set(&t->good, 0);
	for (i = 0; i < frames; i++) {
		if (test_frame_send(priv->netdev, queue, i))
			return 1;
		if (!test_frames_wait(t, i + 1, TULLE_EN_RX_SIZE_MIN / 2))
			return 2;
	}
	if (!test_frames_wait(t, frames, 0))
		return 3;
	return atomic_read(&t->bad) ? 4 : 0;
}

static u64 test_queues(struct tulle_en_priv *priv, bool around)
{
	struct net_device *dev = priv->netdev;
	struct test_loopback t = {
		.pt.type = htons(ETH_P_LOOPBACK),
		.pt.dev = dev,
		.pt.func = test_frame_rcv,
	};
	u64 ret = 0;
	u32 i;

	init_waitqueue_head(&t.wait);
	dev_add_pack(&t.pt);
	for (i = 0; !ret && i < priv->params.channels; i++)
		ret = test_queue(priv, &t, i,
				 around ? priv->params.tx_size + 1 : 1);
	dev_remove_pack(&t.pt);
	return ret;
}

static u64 test_loopback(struct tulle_en_priv *priv)
{
	return test_queues(priv, false);
}

/*
 * Every block of every send ring and every entry of its completion queue is
 * used at least once, and the owner bits flip.
 */
static u64 test_rings(struct tulle_en_priv *priv)
{
	return test_queues(priv, true);
}

static bool test_carrier_wait(struct tulle_en_priv *priv)
{
	unsigned long end = jiffies + msecs_to_jiffies(TEST_LINK_MS);

	do {
		if (netif_carrier_ok(priv->netdev))
			return true;
		msleep(20);
		tulle_en_link_event(priv);
	} while (time_before(jiffies, end));
	return netif_carrier_ok(priv->netdev);
}

enum {
	TEST_REGISTERS,
	TEST_COMMANDS,
	TEST_INTERRUPT,
	TEST_LINK,
	TEST_LOOPBACK,
	TEST_RINGS,
	TEST_COUNT,
};

static const struct {
	char name[ETH_GSTRING_LEN];
	u64 (*run)(struct tulle_en_priv *priv);
} tests[TEST_COUNT] = {
	[TEST_REGISTERS] = { "Registers  (online)", test_registers },
	[TEST_COMMANDS] = { "Commands   (online)", test_commands },
	[TEST_INTERRUPT] = { "Interrupt  (online)", test_interrupt },
	[TEST_LINK] = { "Link       (online)", test_link },
	[TEST_LOOPBACK] = { "Loopback  (offline)", test_loopback },
	[TEST_RINGS] = { "Rings     (offline)", test_rings },
};

#define TEST_NO_LOOPBACK	100	/* the port could not be looped */

static void test_run(struct tulle_en_priv *priv, unsigned int from,
		     unsigned int to, u64 *data)
{
	for (; from < to; from++)
		data[from] = tests[from].run(priv);
}

static void test_looped(struct tulle_en_priv *priv, u64 *data)
{
	struct net_device *dev = priv->netdev;
	bool looped = dev->features & NETIF_F_LOOPBACK;

	data[TEST_LOOPBACK] = TEST_NO_LOOPBACK;
	data[TEST_RINGS] = TEST_NO_LOOPBACK;
	if (!looped && tulle_en_link_set_loopback(priv, true))
		return;
	if (test_carrier_wait(priv))
		test_run(priv, TEST_LOOPBACK, TEST_COUNT, data);
	if (!looped)
		tulle_en_link_set_loopback(priv, false);
}

static void test_offline(struct tulle_en_priv *priv, u64 *data)
{
	struct net_device *dev = priv->netdev;
	bool closed = !netif_running(dev);

	data[TEST_LOOPBACK] = TEST_NO_LOOPBACK;
	data[TEST_RINGS] = TEST_NO_LOOPBACK;
	if (!tulle_cap(priv->tdev, LOOPBACK))
		return;
	if (closed && netif_open(dev, NULL))
		return;
	test_looped(priv, data);
	if (closed)
		netif_close(dev);
}

void tulle_en_self_test(struct net_device *dev, struct ethtool_test *test,
			u64 *data)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	unsigned int i;

	memset(data, 0, TEST_COUNT * sizeof(*data));
	test_run(priv, TEST_REGISTERS, TEST_LINK, data);
	/* A closed interface has no link to speak of. */
	if (netif_running(dev))
		test_run(priv, TEST_LINK, TEST_LOOPBACK, data);
	if (test->flags & ETH_TEST_FL_OFFLINE)
		test_offline(priv, data);

	for (i = 0; i < TEST_COUNT; i++)
		if (data[i])
			test->flags |= ETH_TEST_FL_FAILED;
}

int tulle_en_self_test_count(void)
{
	return TEST_COUNT;
}

void tulle_en_self_test_strings(u8 *data)
{
	unsigned int i;

	for (i = 0; i < TEST_COUNT; i++)
		memcpy(data + i * ETH_GSTRING_LEN, tests[i].name,
		       ETH_GSTRING_LEN);
}
