import { describe, expect, test } from 'vitest'
import { rewriteHtml, rewriteUrl } from './rewrite-links.ts'

const at = { prefix: '/api/v1/namespaces/n/pods/p/proxy', hosts: ['10.0.0.1:80', 'localhost:8001'] }
const { prefix } = at

describe('a link through the proxy', () => {
  test.each([
    ['/path', `${prefix}/path`],
    ['/', `${prefix}/`],
    ['/dir/?q=/a#b', `${prefix}/dir/?q=/a#b`],
    ['http://10.0.0.1:80/path', `${prefix}/path`],
    ['//localhost:8001/path', `${prefix}/path`],
    [`${prefix}/there`, `${prefix}/there`],
    ['relative', 'relative'],
    ['?q=1', '?q=1'],
    ['#top', '#top'],
    ['https://example.com/path', 'https://example.com/path'],
    ['mailto:someone', 'mailto:someone'],
    ['', ''],
  ])('%s becomes %s', (from, to) => {
    expect(rewriteUrl(from, at)).toBe(to)
  })
})

describe('a page through the proxy', () => {
  test.each([
    ['<a href="/rewriteme">test</a>', `<a href="${prefix}/rewriteme">test</a>`],
    ["<IMG class=x SRC='/i.png'/>", `<IMG class=x SRC='${prefix}/i.png'/>`],
    ['<form action=/go method=post>', `<form action="${prefix}/go" method=post>`],
    ['<a title="/no" href="/yes">/text</a>', `<a title="/no" href="${prefix}/yes">/text</a>`],
    ['<!-- <a href="/no"> --><p src="/no">', '<!-- <a href="/no"> --><p src="/no">'],
    ['1 < 2 && a href="/no"', '1 < 2 && a href="/no"'],
  ])('%s becomes %s', (from, to) => {
    expect(rewriteHtml(from, at)).toBe(to)
  })
})
