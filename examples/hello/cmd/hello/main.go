// Command hello says what it is and what its image holds.
package main

import (
	"fmt"
	"os"
	"runtime"
	"time"
)

// version is set by the linker: see ldflags in orch.yaml.
var version = "unknown"

func main() {
	fmt.Printf("hello %s %s/%s\n", version, runtime.GOOS, runtime.GOARCH)
	fmt.Println("CA certificates:", found(hasCertificates()))
	_, err := time.LoadLocation("Europe/Berlin")
	fmt.Println("timezone data:", found(err == nil))
}

func hasCertificates() bool {
	file := os.Getenv("SSL_CERT_FILE")
	if file == "" {
		file = "/etc/ssl/certs/ca-certificates.crt"
	}
	info, err := os.Stat(file)
	return err == nil && info.Size() > 0
}

func found(yes bool) string {
	if yes {
		return "found"
	}
	return "missing"
}
