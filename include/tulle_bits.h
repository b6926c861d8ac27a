/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The kernel's names for byte order and bit fields, for C that is not kernel
 * code: firmware, tools, tests. Kernel code has its own and never includes it.
 */
#ifndef TULLE_BITS_H
#define TULLE_BITS_H

#include <linux/types.h>
#include <stdint.h>

typedef uint8_t		u8;
typedef uint16_t	u16;
typedef uint32_t	u32;
typedef uint64_t	u64;
typedef int8_t		s8;
typedef int16_t		s16;
typedef int32_t		s32;
typedef int64_t		s64;

#ifdef __CHECKER__
#define TULLE_FORCE	__attribute__((force))
#else
#define TULLE_FORCE
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define TULLE_LE(n, x)	((u##n)(x))
#define TULLE_BE(n, x)	__builtin_bswap##n(x)
#else
#define TULLE_LE(n, x)	__builtin_bswap##n(x)
#define TULLE_BE(n, x)	((u##n)(x))
#endif

#define TULLE_BITS_TYPE(n)						\
static inline u##n le##n##_to_cpu(__le##n v)				\
{									\
	return (u##n)TULLE_LE(n, (TULLE_FORCE u##n)v);			\
}									\
static inline __le##n cpu_to_le##n(u##n v)				\
{									\
	return (TULLE_FORCE __le##n)(u##n)TULLE_LE(n, v);		\
}									\
static inline u##n be##n##_to_cpu(__be##n v)				\
{									\
	return (u##n)TULLE_BE(n, (TULLE_FORCE u##n)v);			\
}									\
static inline __be##n cpu_to_be##n(u##n v)				\
{									\
	return (TULLE_FORCE __be##n)(u##n)TULLE_BE(n, v);		\
}									\
static inline u##n u##n##_get_bits(u##n v, u##n field)			\
{									\
	return (u##n)((u64)(v & field) / (field & -field));		\
}									\
static inline u##n u##n##_encode_bits(u##n v, u##n field)		\
{									\
	return (u##n)(((u64)v * (field & -field)) & field);		\
}									\
static inline u##n le##n##_get_bits(__le##n v, u##n field)		\
{									\
	return u##n##_get_bits(le##n##_to_cpu(v), field);		\
}									\
static inline __le##n le##n##_encode_bits(u##n v, u##n field)		\
{									\
	return cpu_to_le##n(u##n##_encode_bits(v, field));		\
}									\
static inline __le##n le##n##_replace_bits(__le##n old, u##n v, u##n field) \
{									\
	return cpu_to_le##n((u##n)((le##n##_to_cpu(old) & ~field) |	\
				   u##n##_encode_bits(v, field)));	\
}

TULLE_BITS_TYPE(16)
TULLE_BITS_TYPE(32)
TULLE_BITS_TYPE(64)

#undef TULLE_BITS_TYPE

#endif /* TULLE_BITS_H */
