/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few macros the whole program shares: attributes, scope-bound clean-up
 * and table helpers. Nothing here hides control flow.
 */
#pragma once

#include <assert.h>
#include <stddef.h>

#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN          __attribute__((noreturn))
#define SENTINEL          __attribute__((sentinel))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Hand the value over and leave the variable empty: `return TAKE(p);` */
#define TAKE(p)                                                                                    \
	__extension__({                                                                            \
		__typeof__(p) take_tmp_ = (p);                                                     \
		(p) = NULL;                                                                        \
		take_tmp_;                                                                         \
	})

/*
 * AUTO(foo) declares that the variable is released with auto_foo() when it
 * leaves scope. A type opts in with DEFINE_AUTO(foo, struct foo *, foo_free)
 * for pointers, or by defining auto_foo(struct foo *) itself for embedded
 * structs. Every AUTO variable must be initialised where it is declared.
 */
#define AUTO(noun) __attribute__((cleanup(auto_##noun)))
#define DEFINE_AUTO(noun, type, destroy)                                                           \
	static inline void auto_##noun(type *p)                                                    \
	{                                                                                          \
		if (*p)                                                                            \
			destroy(*p);                                                               \
	}                                                                                          \
	struct macro_semicolon_

/*
 * Enum <-> string: a table indexed by the enum, with its length asserted.
 *   STRING_TABLE(error_kind, ERROR_KIND_COUNT, "failed", "not found", ...);
 * defines `static const char *const error_kind_names[]`.
 */
#define STRING_TABLE(noun, count, ...)                                                             \
	static const char *const noun##_names[] = { __VA_ARGS__ };                                 \
	static_assert(ARRAY_LEN(noun##_names) == (count), #noun " names must match the enum")

/* Each argument is looked at once, for it may be a call whose answer changes. Of both or of none
 * the sign counts; constants go with anything. */
#define MIN(a, b)           PICK_(a, <, b, __COUNTER__)
#define MAX(a, b)           PICK_(a, >, b, __COUNTER__)
#define PICK_(a, op, b, id) PICK_ONCE_(a, op, b, id)
#define PICK_ONCE_(a, op, b, id)                                                                   \
	__extension__({                                                                            \
		static_assert(IS_SIGNED_(a) == IS_SIGNED_(b) || __builtin_constant_p(a) ||         \
				      __builtin_constant_p(b),                                     \
			      "a negative number would become a large one");                       \
		__typeof__(1 ? (a) : (b)) pick_a##id = (a), pick_b##id = (b);                      \
		pick_a##id op pick_b##id ? pick_a##id : pick_b##id;                                \
	})
#define IS_SIGNED_(x) ((__typeof__(1 ? (x) : 0))-1 < (__typeof__(1 ? (x) : 0))1)
