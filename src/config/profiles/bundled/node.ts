export const node = `description: Node.js and npm, with what native modules are built with
packages: [nodejs, npm, build-essential, python3, git]
`;
