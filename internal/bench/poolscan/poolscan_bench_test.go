package poolscan

import (
	"context"
	"testing"
)

// BenchmarkPoolScan reports both ways in GB/s: lpc bench --kd prints the same.
func BenchmarkPoolScan(b *testing.B) {
	for b.Loop() {
		r, err := Measure(context.Background(), Normal)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(r.GBs(r.Scan), "scan-GB/s")
		b.ReportMetric(r.GBs(r.Read), "read-GB/s")
	}
}
