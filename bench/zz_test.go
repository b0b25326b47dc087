package main
import ("testing";"os";"time")
func TestMain(m *testing.M) { if len(os.Args)==5 && os.Args[1]==writeStateCommand { exit(writeStateProcess(os.Args[2:])) }; os.Exit(m.Run()) }
func TestZZ(t *testing.T) {
 d,_:=os.MkdirTemp("","zz"); defer os.RemoveAll(d)
 r:=&report{began:time.Now()}; s:=settings{scale:0.01,runs:3}
 if err:=measureBackups(t.Context(), s, d, "/tmp/fakeims", r); err!=nil {t.Fatal(err)}
 if err:=measurePlans(t.Context(), s, d, "/tmp/fakeims", r); err!=nil {t.Fatal(err)}
 r.write(os.Stdout, s)
}
