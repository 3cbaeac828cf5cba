// dotnet run -c Release --project tests/Scheduler.Benchmarks            prints the tables
// dotnet run -c Release --project tests/Scheduler.Benchmarks -- --tiny  runs each body once, to see that it still works
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Scheduler.Benchmarks;

if (args.Contains("--tiny"))
{
    Tiny.Run(Console.Out);
    return;
}

// In this process: a project generated for each benchmark would have to be restored and built first.
Job job = Job.Default.WithToolchain(InProcessEmitToolchain.Instance).WithWarmupCount(3).WithIterationCount(10);
IConfig config = DefaultConfig.Instance.AddJob(job).WithArtifactsPath(Path.Combine(AppContext.BaseDirectory, "artifacts"));
_ = BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args.Length == 0 ? ["--filter", "*"] : args, config);
