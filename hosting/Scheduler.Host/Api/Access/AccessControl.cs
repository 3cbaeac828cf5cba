// Who may ask the admin address, the first rule that applies:
//
//   1  A web page must not reach it through a name that its owner lets point here: unless the configuration says insecure, or
//      TLS has shown the client that the name is meant, only requests that call this machine by number, or localhost, are
//      taken. And what changes something does not come from a page of another origin.
//   2  Who shows a token is who the token says; a token that there is not is refused.
//   3  Over a Unix socket root and the service's own user are operators.
//   4  While there is no token at all, so is whoever comes from this machine, and under insecure whoever comes.
//   5  Nobody else is let in.
//
// A viewer looks, an operator does all. /healthz is for everybody; /metrics and /readyz are for this machine, and for
// others as the rest is.
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Net.Http.Headers;
using Scheduler.Actors;
using Scheduler.Host.Configuration;

namespace Scheduler.Host.Api.Access;

/// <summary>Lets requests through, or not.</summary>
/// <param name="settings">Checked configuration.</param>
/// <param name="tokensNow">All tokens.</param>
/// <param name="refusals">Told of who is not let in.</param>
internal sealed class AccessControl(ServiceSettings settings, Func<IEnumerable<CatalogToken>> tokensNow, RefusalLog refusals)
{
    private const string Scheme = "Bearer";

    /// <summary>There is no token: rule 4 holds.</summary>
    public bool IsOpen => !tokensNow().Any();

    /// <summary>Middleware.</summary>
    /// <param name="context">The request.</param>
    /// <param name="next">What follows if it is let through.</param>
    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (!IsFree(context))
        {
            try
            {
                CheckOrigin(context.Request);
                Caller caller = CallerOf(context);
                if (caller.Role != CatalogRole.Operator && !IsLook(context.Request))
                    throw new ApiRefusal(StatusCodes.Status403Forbidden, $"{caller.Name} is a viewer's; {context.Request.Method} needs an operator's");
                context.Features.Set(caller);
            }
            catch (ApiRefusal refusal)
            {
                if (refusal.Status == StatusCodes.Status401Unauthorized)
                {
                    refusals.Add(ClientOf(context));
                    context.Response.Headers.WWWAuthenticate = $"{Scheme} realm=\"scheduler\"";
                }

                await refusal.ToResult().ExecuteAsync(context);
                return;
            }
        }

        await next(context);
    }

    private bool IsFree(HttpContext context) =>
        !context.Request.Path.StartsWithSegments(AdminApi.Prefix)
        && (settings.Insecure || IsFromHere(context.Connection) || context.Request.Path == "/healthz");

    private static bool IsLook(HttpRequest request) => HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method);

    private static bool IsFromHere(ConnectionInfo connection) =>
        connection.RemoteIpAddress is not { } remote || IPAddress.IsLoopback(remote) || remote.Equals(connection.LocalIpAddress);

    private void CheckOrigin(HttpRequest request)
    {
        if (settings.Insecure)
            return;
        string host = request.Host.Host.Trim('[', ']');
        if (!request.IsHttps && host is not "localhost" && !IPAddress.TryParse(host, out _))
        {
            throw new ApiRefusal(
                StatusCodes.Status421MisdirectedRequest, $"'{ApiRefusal.Shown(host)}' is not a name of this machine; use its address or localhost");
        }

        string? origin = request.Headers.Origin;
        if (origin is not null && !IsLook(request) && origin != $"{request.Scheme}://{request.Host}")
            throw new ApiRefusal(StatusCodes.Status403Forbidden, $"a page of '{ApiRefusal.Shown(origin)}' may not change anything here");
    }

    private Caller CallerOf(HttpContext context)
    {
        IEnumerable<CatalogToken> tokens = tokensNow();
        string? authorization = context.Request.Headers.Authorization;
        if (authorization is not null)
        {
            string[] words = authorization.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return words.Length == 2 && words[0].Equals(Scheme, StringComparison.OrdinalIgnoreCase) && TokenSecret.Find(words[1], tokens) is { } token
                ? new Caller($"token {token.Name}", token.Role)
                : throw NotLetIn("the token is not one of this service's; it may have been deleted");
        }

        uint? user = UserOf(context);
        if (user is { } uid && (uid == 0 || uid == UnixPeer.OwnUser || !tokens.Any()))
            return new Caller(string.Create(CultureInfo.InvariantCulture, $"uid {uid}"), CatalogRole.Operator);
        if (tokens.Any())
            throw NotLetIn($"a token is needed: send {HeaderNames.Authorization}: {Scheme} and the token");
        return IsFromHere(context.Connection) ? new Caller("local", CatalogRole.Operator)
            : settings.Insecure ? new Caller($"address {ClientOf(context)}", CatalogRole.Operator)
            : throw NotLetIn("a token is needed, and there is none yet: make the first one on the service's own machine");
    }

    private static ApiRefusal NotLetIn(string detail) => new(StatusCodes.Status401Unauthorized, detail);

    private static string ClientOf(HttpContext context) =>
        context.Connection.RemoteIpAddress is { } address ? address.ToString()
        : UserOf(context) is { } user ? string.Create(CultureInfo.InvariantCulture, $"uid {user}")
        : "the admin socket";

    private static uint? UserOf(HttpContext context) =>
        context.Features.Get<IConnectionSocketFeature>()?.Socket is { AddressFamily: AddressFamily.Unix } socket ? UnixPeer.UserOf(socket) : null;
}
