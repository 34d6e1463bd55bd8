/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/xml.h"

static void test_elements_are_nested_and_indented(void **state)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	struct xml x;

	xml_begin(&x, &sb);
	xml_open(&x, "a", XML("one", "1"), XML("none", NULL), XML("two", "2"));
	xml_open(&x, "b");
	xml_text(&x, "c", "text", XML("d", "e"));
	xml_close(&x);
	xml_empty(&x, "f");
	xml_close(&x);
	assert_string_equal(sb.buf, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
				    "<a one=\"1\" two=\"2\">\n"
				    "  <b>\n"
				    "    <c d=\"e\">text</c>\n"
				    "  </b>\n"
				    "  <f/>\n"
				    "</a>\n");
}

static void test_what_would_be_markup_is_escaped(void **state)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	struct xml x = { .out = &sb };

	xml_text(&x, "t", "a<b>&\"c\"\n\t\r]]>", XML("v", "<\"'&\n\t\r>"));
	assert_string_equal(sb.buf, "<t v=\"&lt;&quot;'&amp;&#10;&#9;&#13;&gt;\">"
				    "a&lt;b&gt;&amp;\"c\"\n\t&#13;]]&gt;</t>\n");
}

static void test_what_xml_cannot_hold_is_replaced(void **state)
{
	AUTO(strbuf) struct strbuf sb = STRBUF_INIT;
	struct xml x = { .out = &sb };

	xml_text(&x, "t", "\x01\x1b|\xff\xc3|\xef\xbf\xbe|\xc3\xa9\xf0\x9f\x98\x80");
	assert_string_equal(sb.buf, "<t>\xef\xbf\xbd\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd|"
				    "\xef\xbf\xbd|\xc3\xa9\xf0\x9f\x98\x80</t>\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elements_are_nested_and_indented),
		cmocka_unit_test(test_what_would_be_markup_is_escaped),
		cmocka_unit_test(test_what_xml_cannot_hold_is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
