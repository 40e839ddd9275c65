import { type CST, Lexer, Parser } from 'yaml';

export interface YamlBounds {
  /** Lexical parts: words, punctuation, white space. */
  readonly lexemes: number;
  /** Collections inside each other. */
  readonly depth: number;
}

export interface BrokenBound {
  readonly offset: number;
  readonly message: string;
}

/**
 * Takes a YAML text apart, and stops at a bound: the library is recursive, and some texts of a few thousand brackets end
 * the whole process in it before anything could be caught.
 */
export function yamlTokens(
  source: string,
  bounds: YamlBounds,
  onNewLine?: (offset: number) => void,
): CST.Token[] | BrokenBound {
  const parser = new Parser(onNewLine);
  const tokens: CST.Token[] = [];
  let lexemes = 0;
  onNewLine?.(0);
  for (const lexeme of new Lexer().lex(source)) {
    lexemes += 1;
    const { offset } = parser;
    if (lexemes > bounds.lexemes) return { offset, message: 'has too many parts' };
    if (parser.stack.length > bounds.depth) return { offset, message: 'is nested too deeply' };
    for (const token of parser.next(lexeme)) tokens.push(token);
  }
  for (const token of parser.end()) tokens.push(token);
  return tokens;
}
