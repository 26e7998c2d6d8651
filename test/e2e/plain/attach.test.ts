import { expect } from "bun:test";
import { eventually } from "../../harness/eventually.ts";
import { container, podText } from "../../harness/objects.ts";
import { kill, supervisor } from "../../harness/processes.ts";
import { openPlainRoom, type Room, WHERRY } from "../../harness/room.ts";
import { scenarios } from "../../harness/scenario.ts";

const scenario = await scenarios(openPlainRoom);

/** Answers every line, and says when there are no more. */
const ANSWER = 'while read line; do echo "got $line"; done; echo end of input';

const shell = async (room: Room, script: string): Promise<string> => (await room.run(["sh", "-c", script, "-", WHERRY])).stdout;

scenario("attach -i writes to a container that reads once, whose input ends with the session", async (room) => {
  await room.write("/run/once.yaml", podText("once", { restartPolicy: "Never", script: ANSWER, container: "stdin: true\nstdinOnce: true" }));
  await room.ok(["play", "/run/once.yaml"]);
  const watching = room.start([WHERRY, "attach", "once"]);
  // One that only watches comes and goes without ending the input.
  await room.run(["timeout", "0.5", WHERRY, "attach", "once"]);
  expect(await room.ok(["attach", "-i", "once"], { stdin: "one\ntwo\n" })).toBe("got one\ngot two\nend of input\n");
  expect(await watching.exited).toBe(0);
  expect(watching.output()).toBe("got one\ngot two\nend of input\n");
  expect(await room.ok(["logs", "once"])).toBe("got one\ngot two\nend of input\n");
  expect((await room.wherry(["attach", "once"])).stderr).toContain("it must be running");
});

scenario("attach -i leaves the input of a container open that reads for ever, also without the supervisor", async (room) => {
  await room.write("/run/open.yaml", podText("open", { script: `${ANSWER}; exit 9`, container: "stdin: true" }));
  await room.ok(["play", "/run/open.yaml"]);
  for (const word of ["one", "two"]) expect(await shell(room, `echo ${word} | timeout 1 "$1" attach -i open`)).toBe(`got ${word}\n`);
  await kill(room, await supervisor(room, "open"));
  expect(await shell(room, 'echo three | timeout 1 "$1" attach -i open')).toBe("got three\n");
  expect(await container(room, "open")).toMatchObject({ restartCount: 0, state: { running: {} } });
});

scenario("attach keeps the streams apart, and says what it cannot do", async (room) => {
  await room.write("/run/plain.yaml", podText("plain", { restartPolicy: "Never", script: "until test -e /go; do sleep 0.05; done; echo out; echo err >&2; printf unfinished" }));
  await room.ok(["play", "/run/plain.yaml"]);
  const refused = await room.wherry(["attach", "-i", "plain"], { stdin: "x" });
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain("its manifest must say stdin: true");
  const attached = room.run(["sh", "-c", '"$1" attach -t plain >/run/out 2>/run/err; echo $?', "-", WHERRY]);
  await Bun.sleep(300);
  await room.ok(["exec", "plain", "--", "touch", "/go"]);
  expect((await attached).stdout).toBe("0\n");
  expect(await shell(room, "cat /run/out; echo; cat /run/err")).toBe("out\nunfinished\nUnable to use a TTY - container main did not allocate one\nerr\n");
});

scenario("attach -it is at the container's terminal, of the same size, and is left by its keys", async (room) => {
  await room.write("/run/tty.yaml", podText("tty", { script: "exec sh -i", container: "stdin: true\ntty: true" }));
  await room.ok(["play", "/run/tty.yaml"]);
  const session = (keys: string, last: string, words = ""): Promise<string> =>
    shell(room, `(sleep 0.7; printf '%b' '${keys}'; sleep 0.7; printf '%b' '${last}'; sleep 0.5) | script -qec 'stty rows 33 cols 101; '"$1"' attach -it tty ${words}; echo "left $?"; stty -a | grep -o "[-]*icanon"' /dev/null`);
  const first = await session("echo $((6*7)) $(tty) $(stty size) $TERM\\r", "\\0020\\0021");
  expect(first).toContain("If you don't see a command prompt, try pressing enter.");
  expect(first).toContain("42 /dev/pts/0 33 101 xterm");
  expect(first).toContain("left 0\r\nicanon");
  expect(await session("echo again\\r", "x", "--detach-keys x")).toContain("again");
  expect(await room.ok(["logs", "tty"])).toContain("42 /dev/pts/0 33 101 xterm");
  expect(await container(room, "tty")).toMatchObject({ restartCount: 0, state: { running: {} } });
  expect(await room.ok(["exec", "tty", "--", "sh", "-c", "echo $TERM"])).toBe("xterm\n");
  // Ctrl-D is the end of the shell, and so of the session.
  expect(await session("", "\\0004")).toContain("left 0");
  await eventually(async () => expect((await container(room, "tty")).restartCount).toBe(1), { within: 5_000 });
});

scenario("exec has the caller's terminal and its size, reads pipes to their end, and ends as a shell would", async (room) => {
  await room.write("/run/exec.yaml", podText("exec"));
  await room.ok(["play", "/run/exec.yaml"]);
  expect(await shell(room, `script -qec 'stty rows 33 cols 101; '"$1"' exec -it exec -- sh -c "stty size; tty"' /dev/null </dev/null`)).toContain("33 101\r\n/dev/pts/");
  expect(await shell(room, 'head -c 3000000 /dev/zero | "$1" exec -i exec -- wc -c')).toBe("3000000\n");
  expect(await shell(room, 'echo unread | "$1" exec exec -- cat; echo $?')).toBe("0\n");
  expect((await room.wherry(["exec", "-t", "exec", "--", "tty"])).stderr).toContain("Unable to use a TTY");
  for (const [words, status] of [[["/no/such"], 127], [["no-such"], 127], [["/etc/hosts"], 126], [["/etc"], 126], [["sh", "-c", "kill -9 $$"], 137]] as const) {
    expect({ words, status: (await room.wherry(["exec", "exec", "--", ...words])).status }).toEqual({ words, status });
  }
});

scenario("exec -it shows all that a process says, however soon it ends, and does not wait for what it leaves", async (room) => {
  await room.write("/run/soon.yaml", podText("soon"));
  await room.ok(["play", "/run/soon.yaml"]);
  const onTerminal = (command: string): Promise<string> => shell(room, `script -qec '${command}; echo left $?; stty -a | grep -o "[-]*icanon"' /dev/null </dev/null`).then((said) => said.replaceAll("^@", "")); // how script tells the end of its input
  const typed = (script: string): Promise<string> => onTerminal(`'"$1"' exec -it soon -- sh -c "${script}"`);
  // Under load, crun as the go-between lost one in fifty.
  const soon = await Promise.all(Array.from({ length: 24 }, () => typed("echo said")));
  expect(soon).toEqual(soon.map(() => "said\r\nleft 0\r\nicanon\r\n"));
  const long = await typed("yes | head -n 100000; exit 3");
  expect(long.match(/y\r\n/g)?.length).toBe(100_000);
  expect(long).toEndWith("left 3\r\nicanon\r\n");
  expect(await typed("sleep 1000 & echo out")).toStartWith("out\r\nleft 0");
  expect(await onTerminal(`(sleep 0.5; pkill -TERM -nx wherry) & '"$1"' exec -it soon -- sleep 1000`)).toEndWith("left 143\r\nicanon\r\n");
});
