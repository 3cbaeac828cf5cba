using System.Net;
using Scheduler.Host.Configuration;
using Scheduler.Host.Running;

namespace Scheduler.Host.Api;

/// <summary>
/// What operators can ask of a running service, below <c>/api/v1</c>. Errors are problem details (RFC 9457).
/// </summary>
/// <remarks>
/// Nothing is authenticated: whoever reaches the address is the operator, so it is this machine's alone unless the
/// configuration says <c>insecure</c>. Then a web page must not reach it either, through a name that its owner lets
/// point here: only requests that call this machine by number, or localhost, are taken.
/// </remarks>
internal static class AdminApi
{
    /// <summary>Below what all of it is.</summary>
    public const string Prefix = "/api/v1";

    /// <summary>Adds what <see cref="Map"/> needs.</summary>
    /// <param name="services">The server's services.</param>
    public static void AddServices(IServiceCollection services) => services.AddProblemDetails();

    /// <summary>Adds the routes.</summary>
    /// <param name="app">The server.</param>
    /// <param name="settings">Checked configuration.</param>
    /// <param name="service">What is administered.</param>
    public static void Map(WebApplication app, ServiceSettings settings, Service service)
    {
        // What fails without a text of its own becomes a problem too.
        _ = app.UseExceptionHandler();
        _ = app.UseStatusCodePages();

        RouteGroupBuilder group = app.MapGroup(Prefix);
        if (!settings.Insecure)
            _ = group.AddEndpointFilter(RefuseOtherNames);
        FaultRoutes.Map(group, service, app.Services.GetRequiredService<ILoggerFactory>());
    }

    private static async ValueTask<object?> RefuseOtherNames(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
    {
        string host = invocation.HttpContext.Request.Host.Host.Trim('[', ']');
        return host is "localhost" || IPAddress.TryParse(host, out _)
            ? await next(invocation)
            : Results.Problem($"'{host}' is not a name of this machine; use its address or localhost", statusCode: StatusCodes.Status421MisdirectedRequest);
    }
}
