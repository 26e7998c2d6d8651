/** `$(VAR)` in commands, arguments and environment values, as Kubernetes defines it (field documentation of `Container.command`). */

/**
 * `$(NAME)` becomes the variable's value when there is one and stays as written when not; `$$` is a literal `$`, so
 * `$$(NAME)` is never expanded. The result is not looked at again.
 */
export function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (found, name: string | undefined) => {
    if (found === "$$") return "$";
    return name !== undefined && Object.hasOwn(env, name) ? (env[name] ?? found) : found;
  });
}
