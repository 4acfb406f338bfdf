/* fake_curl.c - stands for libcurl-gnutls.so.4, of which only the name counts.
 * SPDX-License-Identifier: MIT */
int fake_curl(void);

int fake_curl(void)
{
	return 0;
}
