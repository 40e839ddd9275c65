export const go = `description: Go, with a C compiler for cgo
packages: [golang, build-essential, git, ca-certificates]
`;
